/** The id of the user and of the group that own no files on Linux. */
export const UNPRIVILEGED_ID = 65534;
