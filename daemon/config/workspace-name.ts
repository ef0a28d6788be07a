// A workspace's name is a folder below $QWEX_HOME. It must not collide with what qwex keeps there,
// leave the folder, or confuse a terminal.
import { QwexError } from '../../shared/errors.ts';

const RESERVED = new Set([
  'repos',
  'spaces',
  'ended',
  'env',
  'hosts',
  // A home may be a workspace's own .qwex folder.
  'templates',
  'targets',
  'config.yaml',
  'servers.yaml',
  'user.yaml',
  'trash',
  'cli-error.log',
  'local-api-key',
]);
const RESERVED_PREFIX = /^(?:qwex\.db|daemon\.(?:sock|log|lock|pid))/;
const MAX_BYTES = 100;

/** Why `name` can't be a workspace's name, or null when it can. */
export function workspaceNameFault(name: string): string | null {
  if (name.trim() === '') return 'it is empty';
  if (Buffer.byteLength(name) > MAX_BYTES) return `it is longer than ${MAX_BYTES} bytes`;
  if (name.includes('/')) return 'it contains a slash';
  if (name.includes('\\')) return 'it contains a backslash';
  if (/\p{Cc}|\p{Zl}|\p{Zp}/u.test(name) || !name.isWellFormed()) return 'it contains a control character';
  if (name !== name.trim()) return 'it starts or ends with a space';
  if (name.startsWith('.') || name.startsWith('-')) return `it starts with "${name[0]}"`;
  const folded = name.toLowerCase();
  if (RESERVED.has(folded) || RESERVED_PREFIX.test(folded))
    return 'qwex keeps files of its own under that name';
  return null;
}

/** Returns `name`, or throws `invalid_config` that says what to do instead. */
export function checkedWorkspaceName(name: string, origin: 'folder' | 'request'): string {
  const fault = workspaceNameFault(name);
  if (fault === null) return name;
  const what = origin === 'folder' ? "the workspace's folder name" : 'the workspace name';
  throw new QwexError({
    code: 'invalid_config',
    message: `${what} ${JSON.stringify(name)} can't be used: ${fault}`,
    hint:
      origin === 'folder' ? 'give it another name with `name:` in .qwex/config.yaml' : 'choose another name',
  });
}
