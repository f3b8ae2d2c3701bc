/** Real images of 37 by 23 pixels, written by Pillow, in base64. */

/** Each image with its description, media type and content. */
export const IMAGES: readonly (readonly [what: string, type: string, base64: string])[] = [
  [
    "a PNG",
    "image/png",
    "iVBORw0KGgoAAAANSUhEUgAAACUAAAAXCAIAAAADThHyAAAAKUlEQVR42mM8ISfHQEfAxEBfMGrfqH2j9o3aN2rfqH2j9o3aN2of" +
    "fgAAKQcBMqIyr98AAAAASUVORK5CYII=",
  ],
  [
    "a GIF",
    "image/gif",
    "R0lGODdhJQAXAIEAAMgeHgAAAAAAAAAAACwAAAAAJQAXAEAIMQABCBxIsKDBgwgTKlzIsKHDhxAjSpxIsaLFixgzatzIsaPHjyBD" +
    "ihxJsqTJkyg/BgQAOw==",
  ],
  [
    "a progressive JPEG",
    "image/jpeg",
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////////////////" +
    "////////////////////2wBDAf//////////////////////////////////////////////////////////////////////////" +
    "////////////wgARCAAXACUDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAH/xAAVAQEBAAAAAAAAAAAAAAAAAAAAAf/a" +
    "AAwDAQACEAMQAAABglAAAAA//8QAFBABAAAAAAAAAAAAAAAAAAAAMP/aAAgBAQABBQJ//8QAFBEBAAAAAAAAAAAAAAAAAAAAIP/a" +
    "AAgBAwEBPwFf/8QAFBEBAAAAAAAAAAAAAAAAAAAAIP/aAAgBAgEBPwFf/8QAFBABAAAAAAAAAAAAAAAAAAAAMP/aAAgBAQAGPwJ/" +
    "/8QAFBABAAAAAAAAAAAAAAAAAAAAMP/aAAgBAQABPyF//9oADAMBAAIAAwAAABD/AP8A/wD/AP8A/8QAFBEBAAAAAAAAAAAAAAAA" +
    "AAAAIP/aAAgBAwEBPxBf/8QAFBEBAAAAAAAAAAAAAAAAAAAAIP/aAAgBAgEBPxBf/8QAFBABAAAAAAAAAAAAAAAAAAAAMP/aAAgB" +
    "AQABPxB//9k=",
  ],
  [
    "a rotated JPEG",
    "image/jpeg",
    "/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDAP//////////////////" +
    "////////////////////////////////////////////////////////////////////2wBDAf//////////////////////////" +
    "////////////////////////////////////////////////////////////wgARCAAXACUDASIAAhEBAxEB/8QAFQABAQAAAAAA" +
    "AAAAAAAAAAAAAAH/xAAVAQEBAAAAAAAAAAAAAAAAAAAAAf/aAAwDAQACEAMQAAABglAAAAA//8QAFBABAAAAAAAAAAAAAAAAAAAA" +
    "MP/aAAgBAQABBQJ//8QAFBEBAAAAAAAAAAAAAAAAAAAAIP/aAAgBAwEBPwFf/8QAFBEBAAAAAAAAAAAAAAAAAAAAIP/aAAgBAgEB" +
    "PwFf/8QAFBABAAAAAAAAAAAAAAAAAAAAMP/aAAgBAQAGPwJ//8QAFBABAAAAAAAAAAAAAAAAAAAAMP/aAAgBAQABPyF//9oADAMB" +
    "AAIAAwAAABD/AP8A/wD/AP8A/8QAFBEBAAAAAAAAAAAAAAAAAAAAIP/aAAgBAwEBPxBf/8QAFBEBAAAAAAAAAAAAAAAAAAAAIP/a" +
    "AAgBAgEBPxBf/8QAFBABAAAAAAAAAAAAAAAAAAAAMP/aAAgBAQABPxB//9k=",
  ],
  [
    "a lossy WebP",
    "image/webp",
    "UklGRjwAAABXRUJQVlA4IDAAAADwAgCdASolABcAP/3+/3+/uzayJWgD8D+JZwAAKUNt8AD+y7fKk43+dtotLtAAAAA=",
  ],
  ["a lossless WebP", "image/webp", "UklGRh4AAABXRUJQVlA4TBEAAAAvJIAFAAdQjyLXo/+BiOh/AAA="],
  [
    "a WebP with transparency",
    "image/webp",
    "UklGRmAAAABXRUJQVlA4WAoAAAAQAAAAJAAAFgAAQUxQSAoAAAABB1CyiAhERP8DVlA4IDAAAADwAgCdASolABcAP/3+/3+/uzay" +
    "JWgD8D+JZwAAKUNt8AD+y7fKk43+dtotLtAAAAA=",
  ],
];
