/**
 * The programs of the recipes, installed from Debian's packages. They are installed in a layer over
 * this host (overlayfs), which is kept in a folder of the cache. This host itself gets none of
 * them.
 *
 * @module
 */

import { installFolder } from "../../scripts/cached_folder.ts";
import { run, tail } from "../../scripts/std/command.ts";

/** Packages with everything that they need. Their scripts create users such as `nut`. */
const PACKAGES = [
  ...["cron", "openssh-server", "openssh-client", "fail2ban", "nut-client", "nut-server", "smartmontools"],
  ...["restic", "borgbackup", "monit", "certbot", "unattended-upgrades", "sudo"],
];

/** Packages that are only unpacked: to install them would install a mail server too. */
const UNPACKED = ["nagios4-core"];

/** Mounts the layer over this host and installs the packages. No service starts. */
const INSTALL = `
set -e
mkdir "$FOLDER/layer" "$FOLDER/work" "$FOLDER/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$FOLDER/layer,workdir=$FOLDER/work" "$FOLDER/root"
cd "$FOLDER/root"
mount --rbind /dev dev; mount -t proc proc proc; mount -t tmpfs tmpfs tmp; mount -t tmpfs tmpfs run
printf '#!/bin/sh\\nexit 101\\n' > usr/sbin/policy-rc.d
chmod 755 usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
chroot . apt-get -qq install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io \\
  -o Dpkg::Options::=--path-exclude='/usr/share/doc/*' -o Dpkg::Options::=--path-exclude='/usr/share/man/*' "$@"
cd tmp
for name in $UNPACKED; do apt-get -qq download "$name"; done
for file in *.deb; do dpkg-deb --extract "$file" ..; done
rm -rf ../var/cache/apt/archives/*.deb
`;

/**
 * Installs the programs unless they are installed already. The first time takes a minute and needs
 * Debian's package lists (`apt-get update`) and a mirror.
 *
 * @returns the folder of the layer
 * @throws {Error} if namespaces cannot be created, or a package cannot be installed
 */
export async function installPrograms(): Promise<string> {
  if (!(await run("unshare", ["--mount", "--pid", "--fork", "true"])).success) {
    throw new Error("Cannot run the programs of the recipes: they need Linux, root and the right to create namespaces");
  }
  const software = { title: "the programs of the recipes", name: "recipes", isUsable, build };
  return `${await installFolder(software)}/layer`;
}

/** Checks that the folder has the packages of this list. The list is written last. */
async function isUsable(folder: string): Promise<boolean> {
  const installed = await Deno.readTextFile(`${folder}/packages`).catch(() => "");
  return installed === list();
}

async function build(folder: string): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command("unshare", {
    args: ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", INSTALL, "sh", ...PACKAGES],
    env: { FOLDER: folder, UNPACKED: UNPACKED.join(" ") },
    stdin: "null",
  }).output();
  if (code !== 0) {
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    throw new Error(`Cannot install the programs of the recipes: exit ${code}\n${tail(`${out}\n${err}`, 10)}`);
  }
  await Deno.writeTextFile(`${folder}/packages`, list());
}

function list(): string {
  return [...PACKAGES, ...UNPACKED].join(" ");
}
