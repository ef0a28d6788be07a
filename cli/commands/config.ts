// qwex config: the settings of the user's own config.yaml.
import type { Command } from 'commander';
import { LOCAL_API } from '../../shared/api.ts';
import { QwexError } from '../../shared/errors.ts';
import type { ConfigResponse, SetConfigRequest } from '../../shared/schemas/local.ts';
import type { Context } from '../context.ts';
import { formatSettings, type Setting, valueText } from '../view/settings.ts';

interface Flags {
  json?: boolean;
}

export function register(program: Command, context: Context): Command {
  const config = program
    .command('config')
    .summary('your own settings')
    .description('Shows and changes the settings of your daemon.')
    .addHelpText(
      'after',
      '\nExamples:\n  qwex config list\n  qwex config set slots 2\n  qwex config unset slots',
    );
  config
    .command('list')
    .description('every setting with its value')
    .option('--json', 'print JSON')
    .action(async ({ json }: Flags) => show(context, await ask(context), json));
  config
    .command('get')
    .description('the value of one')
    .argument('<key>')
    .option('--json', 'print JSON')
    .action((key: string, { json }: Flags) => get(context, key, json));
  config
    .command('set')
    .description('change one')
    .argument('<key>')
    .argument('<value>')
    .option('--json', 'print JSON')
    .action((key: string, value: string, { json }: Flags) => change(context, { key, value }, json));
  config
    .command('unset')
    .description('back to its default')
    .argument('<key>')
    .option('--json', 'print JSON')
    .action((key: string, { json }: Flags) => change(context, { key, value: null }, json));
  return config;
}

async function ask(context: Context, body?: SetConfigRequest): Promise<ConfigResponse> {
  const runner = await context.runner();
  return runner.request(body ? LOCAL_API.setConfig : LOCAL_API.getConfig, { body });
}

function show({ terminal }: Context, answer: ConfigResponse, json?: boolean): void {
  if (json) terminal.printJson(answer);
  else terminal.print(formatSettings(answer.settings, terminal.style, terminal.width));
}

async function get(context: Context, key: string, json?: boolean): Promise<void> {
  const setting = find(await ask(context), key);
  if (json) context.terminal.printJson(setting);
  else context.terminal.print(valueText(setting.value));
}

async function change(context: Context, body: SetConfigRequest, json?: boolean): Promise<void> {
  const setting = find(await ask(context, body), body.key);
  if (json) context.terminal.printJson(setting);
  else context.terminal.print(`${setting.key} is ${valueText(setting.value)}`);
}

function find({ settings }: ConfigResponse, key: string): Setting {
  const setting = settings.find((candidate) => candidate.key === key);
  if (setting !== undefined) return setting;
  throw new QwexError({ code: 'not_found', message: `there is no setting ${key}`, hint: 'qwex config list' });
}
