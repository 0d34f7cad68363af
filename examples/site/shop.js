// A small shop whose pages change without being loaded anew.
const PLANTS = [
  ["🪴", "Monstera", "Grows towards the light, and out of its pot."],
  ["🌵", "Cactus", "Wants nothing. Almost."],
  ["🌿", "Fern", "Likes it damp and quiet."],
  ["🌱", "Basil", "Goes with everything."],
];
const PAGES = {
  "/": "Plants that want to live with you",
  "/plants": "All plants",
  "/care": "How to care for them",
  "/cart": "Your cart",
};

function card([leaf, name, words], at) {
  const element = document.createElement("article");
  const button = Object.assign(document.createElement("button"), { id: `buy-${at}`, className: "buy", textContent: "Add to cart" });
  const [picture, title, text] = ["div", "h3", "p"].map((tag) => document.createElement(tag));
  picture.className = "leaf";
  [picture.textContent, title.textContent, text.textContent] = [leaf, name, words];
  button.addEventListener("click", () => {
    document.getElementById("count").textContent++;
    Sojourn.track("added_to_cart", { plant: name });
  });
  element.append(picture, title, text, button);
  return element;
}

function show() {
  const title = PAGES[location.pathname] ?? "This page is not there";
  document.title = `${title} · Fernwood`;
  const heading = Object.assign(document.createElement("h1"), { textContent: title });
  const grid = Object.assign(document.createElement("div"), { className: "grid" });
  if (location.pathname === "/" || location.pathname === "/plants") grid.append(...PLANTS.map(card));
  document.getElementById("main").replaceChildren(heading, grid);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

document.addEventListener("click", (happened) => {
  const link = happened.target.closest("a[data-link]");
  if (!link || happened.metaKey || happened.ctrlKey) return;
  happened.preventDefault();
  history.pushState(null, "", link.getAttribute("href"));
  show();
});
addEventListener("popstate", show);
show();
