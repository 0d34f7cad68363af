// Says one call of each kind with the published Node client: `talk.mjs HOST WRITE_KEY`.
import { Analytics } from "@segment/analytics-node";

const [host, writeKey] = process.argv.slice(2);
const client = new Analytics({ host, writeKey, flushAt: 100, flushInterval: 1000 });
const failures = [];
client.on("error", (error) => failures.push(error));

client.track({ anonymousId: "js-visitor", event: "Visited", properties: { page: 1 } });
client.identify({
  userId: "js-ada",
  traits: { email: "js-ada@example.com", plan: "pro", address: { city: "London" } },
});
client.track({
  userId: "js-ada",
  event: "Bought",
  properties: { sum: 9.5, lines: [{ sku: "a" }] },
  context: { locale: "fr-FR" },
});
client.page({ userId: "js-ada", category: "Docs", name: "Home", properties: { url: "/" } });
client.screen({ userId: "js-ada", category: "App", name: "Cart", properties: { items: 2 } });
client.group({ userId: "js-ada", groupId: "acme", traits: { employees: 20 } });
client.alias({ userId: "js-bob", previousId: "js-visitor" });
for (let number = 0; number < 250; number += 1) {
  client.track({ userId: "js-ada", event: "Counted", properties: { number } });
}
await client.closeAndFlush({ timeout: 60000 });
if (failures.length) {
  console.error(failures);
  process.exit(1);
}
