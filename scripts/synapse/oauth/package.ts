/** The library of the OAuth 2.0 server for tests, pinned. */
export const OIDC_PROVIDER = "npm:oidc-provider@9.13.3";
