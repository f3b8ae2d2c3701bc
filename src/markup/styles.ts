/**
 * Finds the colours and the styles of text in HTML, for example `<font color="red">` and `<span
 * style="font-weight: bold">` in templates of Alertmanager and Grafana. A Matrix message has other
 * elements for them.
 *
 * @module
 */

import { isReadableOnEachTheme, parseColor } from "./colors.ts";
import { type Attribute, findAttribute } from "./permitted.ts";

/** The elements that a style becomes, from the outermost to the innermost. */
export type StyleElements = readonly (readonly [tag: string, attributes: readonly Attribute[]])[];

/** The elements whose children are only elements, and the elements without content. */
const WITHOUT_TEXT = new Set(["table", "thead", "tbody", "tr", "ul", "ol", "br", "hr", "img"]);

/**
 * Returns the elements for the style of an element. They are written inside the element, or instead
 * of it if it is `font`, `mark` or `span`.
 *
 * A colour is left out if it cannot be read on a white or on a dark background. The colour of a link
 * is left out too, because links have the colour of the client.
 *
 * @param source the name of the element in the source
 */
export function styleElements(source: string, attributes: readonly Attribute[]): StyleElements {
  if (WITHOUT_TEXT.has(source)) return [];
  const style = declarations(findAttribute(attributes, "style") ?? "");
  const tags = [
    ...(/^(bold|bolder|[6-9]00)$/.test(style.get("font-weight") ?? "") ? ["strong"] : []),
    ...(/^(italic|oblique)/.test(style.get("font-style") ?? "") ? ["em"] : []),
    ...(/\bunderline\b/.test(decorationOf(style)) && source !== "a" ? ["u"] : []),
    ...(/\bline-through\b/.test(decorationOf(style)) ? ["del"] : []),
    ...(/\b(monospace|courier|consolas|menlo)\b/.test(style.get("font-family") ?? "") ? ["code"] : []),
  ].filter((tag) => tag !== source && !(source === "pre" && tag === "code"));
  const colors = colorsOf(source, attributes, style);
  return [...colors.length === 0 ? [] : [["span", colors] as const], ...tags.map((tag) => [tag, []] as const)];
}

function colorsOf(
  source: string,
  attributes: readonly Attribute[],
  style: ReadonlyMap<string, string>,
): readonly Attribute[] {
  const isMark = source === "mark";
  const back = parseColor(style.get("background-color") ?? style.get("background") ?? (isMark ? "#ffff00" : ""));
  const given = style.get("color") ?? (source === "font" ? findAttribute(attributes, "color") : undefined) ??
    (isMark ? "#000000" : "");
  const front = source === "a" ? undefined : parseColor(given);
  const isShown = front !== undefined && (back !== undefined || isReadableOnEachTheme(front));
  return [
    ...(back === undefined ? [] : [{ name: "data-mx-bg-color", value: back }]),
    ...(isShown ? [{ name: "data-mx-color", value: front }] : []),
  ];
}

function decorationOf(style: ReadonlyMap<string, string>): string {
  return style.get("text-decoration-line") ?? style.get("text-decoration") ?? "";
}

/** Reads the declarations of an attribute `style`. */
function declarations(style: string): ReadonlyMap<string, string> {
  return new Map(
    style.toLowerCase().split(";").map((declaration) => {
      const at = declaration.indexOf(":");
      return [declaration.slice(0, at).trim(), declaration.slice(at + 1).replace("!important", "").trim()];
    }),
  );
}
