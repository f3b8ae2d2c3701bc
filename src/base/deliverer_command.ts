/** The first argument of a deliverer in the background. Its only other argument is its options, as JSON. */
export const DELIVERER_COMMAND = "deliver-in-background";
