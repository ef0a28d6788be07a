// The variables a daemon gets. It inherits nothing else: it may be started from inside a run.
const DAEMON_VARIABLES = [
  'HOME',
  'PATH',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'TZ',
  'TMPDIR',
  'SSH_AUTH_SOCK',
  'QWEX_BOX',
];

/** What of an environment a daemon gets, whoever starts it. */
export function keptEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    DAEMON_VARIABLES.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
}

/** What the next daemon gets from this one: the variables of `env`, for who asked for it, and what only we have. */
export function handedOn(own: NodeJS.ProcessEnv, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const rest = { ...own };
  for (const name of DAEMON_VARIABLES) delete rest[name];
  return { ...rest, ...keptEnvironment(env) };
}
