/**
 * Creates the certificates in `tests/fakes/tls/` with openssl: an authority and the certificates
 * that it signed. They are valid for a century, except two for the tests of validity. The keys
 * protect nothing.
 *
 * Usage: `deno run -A scripts/certificates.ts`
 */

const FOLDER = new URL("../tests/fakes/tls/", import.meta.url).pathname;
const LOCALHOST = "subjectAltName=DNS:localhost,IP:127.0.0.1";
const FROM = "20200101000000Z", UNTIL = "21200101000000Z";

interface CertificateRequest {
  readonly name: string;
  /** X.509 extensions. */
  readonly extensions: readonly string[];
  readonly signedBy?: string;
  readonly subject?: string;
  readonly from?: string;
  readonly until?: string;
}

const LEAF = "basicConstraints=critical,CA:FALSE", AUTHORITY = "basicConstraints=critical,CA:TRUE";

const CERTIFICATES: readonly CertificateRequest[] = [
  { name: "authority", extensions: [AUTHORITY] },
  // The same name as the authority, with another key.
  { name: "impostor", subject: "authority", extensions: [AUTHORITY] },
  { name: "server", signedBy: "authority", extensions: [LEAF, LOCALHOST] },
  { name: "client", signedBy: "authority", extensions: [LEAF] },
  { name: "expired", signedBy: "authority", extensions: [LEAF, LOCALHOST], until: "20210101000000Z" },
  { name: "future", signedBy: "authority", extensions: [LEAF, LOCALHOST], from: "21000101000000Z" },
  { name: "elsewhere", signedBy: "authority", extensions: [LEAF, "subjectAltName=DNS:other.example"] },
  { name: "nameless", signedBy: "authority", extensions: [LEAF] },
  { name: "self_signed", extensions: [LEAF, LOCALHOST] },
  { name: "self_signed_authority", extensions: [AUTHORITY, LOCALHOST] },
];

if (import.meta.main) {
  Deno.mkdirSync(FOLDER, { recursive: true });
  for (const request of CERTIFICATES) createCertificate(request);
}

function createCertificate(
  { name, signedBy, subject = name, extensions, from = FROM, until = UNTIL }: CertificateRequest,
): void {
  const work = Deno.makeTempDirSync();
  const openssl = (...args: string[]) => run(work, args);
  Deno.writeTextFileSync(`${work}/extensions`, extensions.join("\n"));
  Deno.writeTextFileSync(`${work}/index`, "");
  Deno.writeTextFileSync(
    `${work}/config`,
    "[ca]\ndefault_ca=here\n[here]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\npolicy=any\ndefault_md=sha256\n" +
      "[any]\ncommonName=supplied\n",
  );
  const key = `${FOLDER}${name}.key`;
  openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", key);
  openssl("req", "-new", "-key", key, "-subj", `/CN=${subject}`, "-out", "request");
  const signer = signedBy === undefined
    ? ["-selfsign", "-keyfile", key]
    : ["-cert", `${FOLDER}${signedBy}.pem`, "-keyfile", `${FOLDER}${signedBy}.key`];
  openssl(
    ...["ca", "-batch", "-notext", "-config", "config", "-in", "request", "-out", `${FOLDER}${name}.pem`],
    ...["-startdate", from, "-enddate", until, "-extfile", "extensions", ...signer],
  );
  Deno.removeSync(work, { recursive: true });
}

function run(cwd: string, args: readonly string[]): void {
  const { success, stderr } = new Deno.Command("openssl", { args: [...args], cwd, stderr: "piped" }).outputSync();
  if (!success) throw new Error(`Cannot run openssl ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}
