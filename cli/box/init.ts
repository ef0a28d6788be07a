// qwex box init: makes the box of a machine. Needs no daemon and starts none.
import { join, resolve } from 'node:path';
import type { BoxChange, BoxMade } from '../../shared/box.ts';
import { packageRoot } from '../../shared/client/start-daemon.ts';
import { QwexError } from '../../shared/errors.ts';
import type { Context } from '../context.ts';
import { formatMade } from '../view/box-made.ts';
import { printable, quoteCommand } from '../view/quote.ts';
import { changeBox } from './change.ts';

export interface InitFlags {
  group?: string;
  path?: string;
  device?: string[];
  fake?: number;
  defaultTime: number;
  maxDevices?: number;
  json?: boolean;
}

export async function init(context: Context, flags: InitFlags): Promise<void> {
  const { terminal, cwd } = context;
  const { group = null, path, device = [], fake = null, maxDevices = null, json } = flags;
  if (fake !== null && device.length > 0) {
    const message = '--fake and --device say twice which devices there are';
    throw new QwexError({ code: 'usage', message, hint: 'give one of them' });
  }
  const change: BoxChange = {
    change: 'init',
    path: path === undefined ? null : resolve(cwd, path),
    devices: device.map(parseDevice),
    defaultTimeMs: flags.defaultTime,
    ...{ group, fake, maxDevices },
  };
  const made = await makeBox(context, change);
  if (json) return terminal.printJson(made);
  terminal.print(formatMade(made, terminal.style));
  for (const warning of made.warnings) terminal.note(`warning: ${printable(warning)}`);
}

/** Where it takes more rights, says the whole command: sudo has a PATH of its own, and passes no variables on. */
async function makeBox({ env, argv }: Context, change: BoxChange): Promise<BoxMade> {
  try {
    return await changeBox<BoxMade>(change, env);
  } catch (error) {
    if (!(error instanceof QwexError) || error.code !== 'forbidden' || process.getuid?.() === 0) throw error;
    const place = change.path === null && env.QWEX_BOX ? ['--path', env.QWEX_BOX] : [];
    const command = quoteCommand([join(packageRoot(), 'cli', 'qwex'), ...argv, ...place]);
    throw new QwexError({
      code: 'forbidden',
      message: error.message,
      hint: `once, with more rights: sudo ${command}\nor with --path in a folder of yours that the others can read`,
    });
  }
}

/** `gpu0:a100` or `gpu0:a100:GPU-36c9561a-…`. What they may be made of is checked where they are written. */
function parseDevice(words: string): { id: string; type: string; uuid?: string } {
  const [id = '', type = '', ...rest] = words.split(':');
  if (id === '' || type === '' || rest.some((part) => part === '')) {
    throw new QwexError({
      code: 'usage',
      message: `--device ${words}: it takes ID:TYPE or ID:TYPE:UUID`,
      hint: 'as in: --device gpu0:a100',
    });
  }
  return rest.length === 0 ? { id, type } : { id, type, uuid: rest.join(':') };
}
