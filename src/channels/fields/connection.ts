/** The fields that every channel has which speaks HTTP. `config/connection.ts` reads them. */

import type { FieldSpecs } from "./field_spec.ts";

/** How a channel reaches its server, where that is not the usual way. */
export interface ConnectionConfig {
  /** A PEM file of authorities to trust besides the usual ones. */
  readonly caFile?: string;
  /** A PEM file of the client's certificate; its key is in `keyFile`. */
  readonly certFile?: string;
  /** A PEM file of the client certificate's key, which other users cannot read. */
  readonly keyFile?: string;
  /** A proxy that wants no password: `http://`, `https://` or `socks5://`. @default the environment's */
  readonly proxy?: string;
  /** Instead of `proxy`: a file that holds its address with user name and password, and that other users cannot read. */
  readonly proxyFile?: string;
}

/** Its authorities, its client certificate, its proxy. */
export const CONNECTION_FIELDS: FieldSpecs = {
  caFile: {
    schema: {
      type: "string",
      description: "a PEM file of authorities to trust besides the usual ones",
      examples: ["/etc/matrix-notify/ca.pem"],
    },
  },
  certFile: {
    needs: "keyFile",
    schema: {
      type: "string",
      description: "a PEM file of the client's certificate; its key is in keyFile",
      examples: ["/etc/matrix-notify/client.pem"],
    },
  },
  keyFile: {
    needs: "certFile",
    schema: {
      type: "string",
      description: "a PEM file of the client certificate's key, which other users cannot read",
      examples: ["/etc/matrix-notify/client.key"],
    },
  },
  proxy: {
    hasFile: true,
    schema: {
      type: "string",
      description: "a proxy that wants no password: http://, https:// or socks5://",
      examples: ["http://proxy.example.org:3128", "socks5://127.0.0.1:1080", "proxy.example.org:3128"],
      pattern: "^([hH][tT][tT][pP][sS]?://|[sS][oO][cC][kK][sS]5[hH]?://)?[^/@?#\\u0000-\\u0020]+/?$",
    },
  },
};
