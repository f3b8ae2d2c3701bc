/**
 * What the renderers of Markdown and HTML give back. This file has no dependencies, so that everybody may import the
 * type without the parsers behind it.
 *
 * @module
 */

/** One message in the two forms that a Matrix event carries. */
export interface Markup {
  /**
   * The `formatted_body` of `org.matrix.custom.html`: only what the specification's section "m.room.message msgtypes"
   * suggests to permit, every tag closed, text and attributes escaped.
   */
  readonly html: string;
  /** The `body`: the same to be read without any formatting. */
  readonly text: string;
}
