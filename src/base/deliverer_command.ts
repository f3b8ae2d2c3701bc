/** The first argument of the background deliverer. The second one is its options, as JSON. */
export const DELIVERER_COMMAND = "deliver-in-background";
