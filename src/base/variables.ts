/** The environment variables that the program reads. */

/**
 * The environment variables for settings of channels, by the channel and the key of the setting.
 */
export const CHANNEL_VARIABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  matrix: {
    homeserver: "MATRIX_HOMESERVER",
    user: "MATRIX_USER",
    accessToken: "MATRIX_ACCESS_TOKEN",
    accessTokenFile: "MATRIX_ACCESS_TOKEN_FILE",
    room: "MATRIX_ROOM",
  },
  ntfy: { server: "NTFY_SERVER", topic: "NTFY_TOPIC", token: "NTFY_TOKEN", tokenFile: "NTFY_TOKEN_FILE" },
};

/** The environment variables for proxies. curl also uses these variables. */
export const PROXY_VARIABLES: readonly string[] = [
  ...["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
];

/**
 * The environment variables that this process passes to a program. These variables do not contain
 * secrets.
 */
export const PASSED_VARIABLES: readonly string[] = [
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"],
  ...["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "SYSTEMROOT"],
];

/** The environment variables that the program reads, by purpose. */
export const VARIABLES = {
  /** The configuration. */
  config: ["MATRIX_NOTIFY_CONFIG", ...Object.values(CHANNEL_VARIABLES).flatMap((keys) => Object.values(keys))],
  /** The directories of the configuration, the queue and the secrets. */
  places: [
    ...["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "MATRIX_NOTIFY_STATE_DIR"],
    ...["CONFIGURATION_DIRECTORY", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "MATRIX_NOTIFY_SOCKET"],
  ],
  /**
   * The variables for proxies. If `REQUEST_METHOD` is set, this process is a CGI program. A CGI
   * program must ignore `HTTP_PROXY`, because the client of the web server can set this variable.
   */
  proxies: [...PROXY_VARIABLES, "NO_PROXY", "no_proxy", "REQUEST_METHOD"],
  /** The environment of programs that matrix-notify starts. */
  programs: PASSED_VARIABLES,
  /** The variables of Deno. The background deliverer and the systemd units get the same values. */
  deno: [
    ...["DENO_DIR", "XDG_CACHE_HOME", "DENO_CERT", "DENO_TLS_CA_STORE", "DENO_V8_FLAGS"],
    ...["SSL_CERT_FILE", "SSL_CERT_DIR"],
  ],
  /** The variables that show that the program runs in a container. */
  container: ["container", "KUBERNETES_SERVICE_HOST"],
  /** The variables that change the output. */
  output: ["NO_COLOR", "TERM", "MATRIX_NOTIFY_DEBUG"],
  /**
   * The variables of a service: for reporting its state to systemd (sd_notify(3)), and for trimming
   * its memory.
   */
  service: ["NOTIFY_SOCKET", "WATCHDOG_USEC", "DENO_USR2_MEMORY_TRIM"],
  /** The variables in which systemd passes the result of a failed unit. */
  unit: ["MONITOR_SERVICE_RESULT", "MONITOR_EXIT_CODE", "MONITOR_EXIT_STATUS"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** A group of environment variables. */
export type VariableGroup = keyof typeof VARIABLES;
