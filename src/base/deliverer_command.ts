/**
 * The first argument of the background deliverer, the process that delivers queued notifications.
 * The second argument contains the options of this process as JSON.
 */
export const DELIVERER_COMMAND = "deliver-in-background";
