// qwex detach: starts a program that shall stay when its run ends. The work is a shell script's, which this process
// becomes, so that it works in a run whose daemon is gone.
import { join } from 'node:path';
import type { Command } from 'commander';
import { packageRoot } from '../../shared/client/start-daemon.ts';
import { QwexError } from '../../shared/errors.ts';
import type { Context } from '../context.ts';

export function register(program: Command, context: Context): Command {
  return program
    .command('detach')
    .summary('inside a run: start a program that outlives it')
    .description(
      'Starts a program that stays when the run that it is started from ends. Other programs that a run leaves ' +
        'behind are ended with it, as they would keep its GPUs.',
    )
    .argument('<command...>', 'the program and its words')
    .passThroughOptions()
    .addHelpText('after', '\nExamples:\n  qwex detach -- tensorboard --logdir runs')
    .action((words: string[]) =>
      become(['-p', join(packageRoot(), 'daemon/supervisor/detach.sh'), ...words], context),
    );
}

function become(words: string[], context: Context): void {
  if (process.execve === undefined) {
    throw new QwexError({ code: 'unsupported', message: 'this Node cannot become another program' });
  }
  process.execve('/bin/bash', ['bash', ...words], context.env);
}
