/** The library behind the OAuth 2.0 server of the tests, pinned. */
export const OIDC_PROVIDER = "npm:oidc-provider@9.13.3";
