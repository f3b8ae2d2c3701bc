/**
 * A real Exim for tests. It writes no enhanced status codes.
 *
 * @module
 */

import { DATA, MailServer, PACKAGES, type Ports, USERS } from "./server.ts";

/** The user that may log in. */
export const EXIM_USER = { user: "bot", password: "corréct horse" } as const;

/**
 * Starts an Exim. The service `smtp` offers STARTTLS, `smtps` expects TLS immediately, `submission`
 * requires a login. The largest mail has 50,000 bytes.
 *
 * @throws {Error} if it cannot be installed or does not start; the message ends with its log
 */
export function startExim(): Promise<MailServer> {
  const { "Debian-exim": exim, mailbox } = USERS;
  return MailServer.start({
    title: "Exim",
    services: ["smtp", "smtps", "submission"],
    command: ["usr/sbin/exim4", "-bdf"],
    log: "log/mainlog",
    folders: [
      ["spool", exim, exim, 0o700],
      ["log", exim, exim, 0o700],
      ["mail", mailbox, mailbox, 0o700],
      ["etc/exim4", 0, 0, 0o755],
    ],
    // Exim gives up root if it gets the path of another configuration.
    files: (ports) => ({ "etc/exim4/exim4.conf": configuration(ports) }),
  });
}

/**
 * The local part of a recipient selects an answer: `grey` is greylisted once, `full` has no space.
 */
function configuration(ports: Ports): string {
  return `
primary_hostname = mx.example.test
domainlist local_domains = example.test
spool_directory = ${DATA}/spool
log_file_path = ${DATA}/log/%slog
pid_file_path = ${DATA}/exim.pid
exim_path = ${PACKAGES}/usr/sbin/exim4
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${Object.values(ports).join(" : ")}
tls_on_connect_ports = ${ports.smtps}
tls_advertise_hosts = *
tls_certificate = ${DATA}/server.pem
tls_privatekey = ${DATA}/server.key
smtputf8_advertise_hosts =
message_size_limit = 50000
host_lookup =
rfc1413_hosts =
dns_ipv4_lookup = *
smtp_accept_max_per_host = 10
acl_smtp_helo = check_helo
acl_smtp_mail = check_mail
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept

begin acl
check_helo:
  deny condition = \${if !match{$sender_helo_name}{\\N[.:]\\N}}
       message = The name in HELO must be a full name
  accept
check_mail:
  deny condition = \${if ={$received_port}{${ports.submission}}}
       !authenticated = *
       message = authentication required
  accept
check_rcpt:
  require verify = sender
  defer local_parts = grey
        condition = \${if exists{${DATA}/spool/grey}{no}{\${run{/bin/touch ${DATA}/spool/grey}{yes}}}}
        message = Greylisted, try again later
  deny local_parts = full
       message = 552 Mailbox full
  accept domains = +local_domains
         endpass
         verify = recipient
  accept authenticated = *
  deny message = relay not permitted

begin routers
local:
  driver = accept
  domains = +local_domains
  local_parts = root : jump : grey : full
  transport = maildir
remote:
  driver = accept
  domains = !+local_domains
  transport = nowhere

begin transports
maildir:
  driver = appendfile
  directory = ${DATA}/mail/$local_part_data@$domain_data
  maildir_format
  user = ${USERS.mailbox}
  group = ${USERS.mailbox}
nowhere:
  driver = appendfile
  file = /dev/null
  user = ${USERS.mailbox}
  group = ${USERS.mailbox}

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = \${if def:tls_in_cipher}
  server_prompts = :
  server_condition = \${if and{{eq{$auth2}{${EXIM_USER.user}}}{eq{$auth3}{${EXIM_USER.password}}}}}
  server_set_id = $auth2
`;
}
