// The systemd unit of `qwex daemon install`. The runs are not the unit's to end: stopping or upgrading the daemon,
// or one run that takes too much memory, must leave the others alone.

export interface UnitOptions {
  node: string;
  /** daemon/launch.sh of the package. */
  launcher: string;
  home: string;
  path: string | undefined;
}

export function systemdUnit({ node, launcher, home, path }: UnitOptions): string {
  const variables = [`QWEX_HOME=${home}`, ...(path === undefined ? [] : [`PATH=${path}`])];
  return `[Unit]
Description=qwex daemon
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=exec
ExecStart=${commandLine(['/bin/bash', '-p', launcher, node])}
${variables.map((variable) => `Environment=${quote(variable)}`).join('\n')}
WorkingDirectory=/
UMask=0077
Restart=on-failure
RestartSec=2
# Runs are children of this unit and outlive the daemon.
KillMode=process
OOMPolicy=continue
TasksMax=infinity

[Install]
WantedBy=default.target
`;
}

/** The line for those whose machine has no systemd. */
export function cronLine({ node, launcher, home, path }: UnitOptions): string {
  const variables = [`QWEX_HOME=${shell(home)}`, ...(path === undefined ? [] : [`PATH=${shell(path)}`])];
  return `@reboot ${[...variables, '/bin/bash -p', shell(launcher), shell(node)].join(' ').replaceAll('%', '\\%')} >/dev/null 2>&1`;
}

/** systemd.syntax: double quotes with backslash escapes; % begins a specifier. */
function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`;
}

/** As quote; in a command line $ begins a variable too. */
function commandLine(words: readonly string[]): string {
  return words.map((word) => quote(word).replaceAll('$', '$$$$')).join(' ');
}

function shell(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
