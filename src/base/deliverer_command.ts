/**
 * The first argument of the background deliverer. The second argument contains its options as JSON.
 */
export const DELIVERER_COMMAND = "deliver-in-background";
