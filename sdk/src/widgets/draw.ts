/** Which widget shows which type of content, and which of them stand in each other's way. */

import type { ContentType } from "../types";
import { drawBanner } from "./banner";
import { drawBeacon } from "./beacon";
import { drawFlow } from "./flow";
import { drawModal } from "./modal";
import { drawSurvey } from "./survey";
import { drawTasks } from "./tasks";
import { drawTooltip } from "./tooltip";
import type { Surroundings, Widget } from "./widget";

/** Show something; null if its place on the page is not there. */
export type Draw = (around: Surroundings) => Widget | null;

export const DRAW: Record<ContentType, Draw> = {
  announcement: drawModal,
  banner: drawBanner,
  beacon: drawBeacon,
  flow: drawFlow,
  modal: drawModal,
  survey: drawSurvey,
  task_list: drawTasks,
  tooltip: drawTooltip,
};

/** Of those that share a slot one is shown at a time; null: as many as there are. */
export function slotOf(type: ContentType, position: string): string | null {
  switch (type) {
    case "beacon":
      return null;
    case "banner":
      return `banner ${position === "bottom" ? "bottom" : "top"}`;
    case "task_list":
      return "corner";
    default:
      return "attention";
  }
}
