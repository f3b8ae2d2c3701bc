/**
 * A real Postfix for tests.
 *
 * @module
 */

import { startGreylist, startLoginServer } from "./postfix_services.ts";
import { DATA, MailServer, PACKAGES, type Ports, USERS } from "./server.ts";

/** Parameters of Postfix, by their names in `postconf(5)`. */
export type PostfixParameters = Readonly<Record<string, string>>;

/** The settings of a Postfix. */
export interface PostfixOptions {
  /**
   * The SMTP services, with the parameters in which they differ. `$greylist` in a value is the
   * address of a policy server.
   *
   * @default {{ smtp: {} }}
   */
  readonly services?: Readonly<Record<string, PostfixParameters>>;
  /** The mailboxes. @default {["root@example.test"]} */
  readonly mailboxes?: readonly string[];
  /** The users that may log in, with their passwords. */
  readonly users?: Readonly<Record<string, string>>;
}

/** The folders below the queue directory (`postfix-files`), without those that root owns. */
const QUEUES = [
  "active",
  "bounce",
  "corrupt",
  "defer",
  "deferred",
  "flush",
  "hold",
  "incoming",
  "private",
  "saved",
  "trace",
];

/** The internal services: `service type private unpriv chroot wakeup maxproc command`. */
const INTERNAL = `postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
`;

/**
 * Starts a Postfix.
 *
 * @throws {Error} if it cannot be installed or does not start; the message ends with its log
 */
export function startPostfix(options: PostfixOptions = {}): Promise<MailServer> {
  const { services = { smtp: {} }, users = {}, mailboxes = ["root@example.test"] } = options;
  const { postfix, postdrop, mailbox } = USERS;
  const login = startLoginServer(users);
  const greylist = startGreylist();
  return MailServer.start({
    title: "Postfix",
    services: Object.keys(services),
    command: ["usr/lib/postfix/sbin/master", "-c", `${DATA}/conf`, "-d"],
    log: "log/mail.log",
    folders: [
      ...["conf", "log", "spool", "spool/pid"].map((name) => [name, 0, 0, 0o755] as const),
      ...QUEUES.map((name) => [`spool/${name}`, postfix, 0, 0o700] as const),
      ["spool/maildrop", postfix, postdrop, 0o730],
      ["spool/public", postfix, postdrop, 0o710],
      ["data", postfix, 0, 0o700],
      ["mail", mailbox, mailbox, 0o700],
    ],
    files: (ports) => ({
      "conf/main.cf": formatParameters({
        ...commonParameters(mailboxes),
        smtpd_sasl_path: `inet:127.0.0.1:${login.port}`,
        greylist: `inet:127.0.0.1:${greylist.port}`,
      }),
      "conf/master.cf": formatListeners(services, ports) + INTERNAL,
    }),
    helpers: [login, greylist],
  });
}

function commonParameters(mailboxes: readonly string[]): PostfixParameters {
  return {
    compatibility_level: "3.6",
    queue_directory: `${DATA}/spool`,
    data_directory: `${DATA}/data`,
    daemon_directory: `${PACKAGES}/usr/lib/postfix/sbin`,
    command_directory: `${PACKAGES}/usr/sbin`,
    shlib_directory: `${PACKAGES}/usr/lib/postfix`,
    meta_directory: `${DATA}/conf`,
    maillog_file: `${DATA}/log/mail.log`,
    maillog_file_prefixes: DATA,
    myhostname: "mx.example.test",
    mydestination: "",
    mynetworks: "",
    inet_interfaces: "127.0.0.1",
    inet_protocols: "ipv4",
    // No mail and no DNS query leaves this host.
    default_transport: "discard:",
    local_recipient_maps: "",
    alias_maps: "",
    disable_dns_lookups: "yes",
    smtpd_peername_lookup: "no",
    virtual_mailbox_domains: [...new Set(mailboxes.map((each) => each.slice(each.lastIndexOf("@") + 1)))].join(", "),
    virtual_mailbox_base: `${DATA}/mail`,
    virtual_mailbox_maps: `inline:{ ${mailboxes.map((each) => `{ ${each} = ${each}/ }`).join(", ")} }`,
    virtual_uid_maps: `static:${USERS.mailbox}`,
    virtual_gid_maps: `static:${USERS.mailbox}`,
    smtpd_tls_cert_file: `${DATA}/server.pem`,
    smtpd_tls_key_file: `${DATA}/server.key`,
    smtpd_sasl_type: "dovecot",
    smtpd_relay_restrictions: "permit_sasl_authenticated, reject_unauth_destination",
  };
}

function formatParameters(parameters: PostfixParameters): string {
  return Object.entries(parameters).map(([name, value]) => `${name} = ${value}\n`).join("");
}

function formatListeners(services: Readonly<Record<string, PostfixParameters>>, ports: Ports): string {
  const lines = Object.entries(services).map(([name, own]) => {
    const parameters = Object.entries(own).map(([name, value]) => `  -o { ${name} = ${value} }\n`);
    return `127.0.0.1:${ports[name]} inet n - n - - smtpd\n${parameters.join("")}`;
  });
  return lines.join("");
}
