// Names in a config that must exist elsewhere in it. Layers may also name templates, which the
// compiler knows and this does not.
import type { WorkspaceConfigFile } from '../../shared/config.ts';
import { suggestion } from './nearest.ts';
import { formatPath, type KeyPath, type Problem } from './problems.ts';
import { workspaceNameFault } from './workspace-name.ts';
import type { YamlFile } from './yaml-file.ts';

/** Everything in `config` that points at nothing or takes a name that is taken. */
export function referenceProblems(config: WorkspaceConfigFile, yaml: YamlFile): Problem[] {
  const problems: Problem[] = [];
  const report = (path: KeyPath, message: string): void => {
    problems.push({ file: yaml.file, line: yaml.lineOf(path), message: `${formatPath(path)} ${message}` });
  };
  const fault = config.name === undefined ? null : workspaceNameFault(config.name);
  if (fault !== null) report(['name'], `can't be ${JSON.stringify(config.name)}: ${fault}`);
  for (const section of ['runners', 'layers', 'plugins'] as const) {
    if (Object.hasOwn(config[section], 'base')) {
      report([section, 'base'], "can't be defined: base is the runner without layers");
    }
  }
  for (const [runner, { layers, storage }] of Object.entries(config.runners)) {
    for (const [index, layer] of layers.entries()) {
      if (layers.indexOf(layer) !== index) {
        report(
          ['runners', runner, 'layers', index],
          `names "${layer}" twice; define the second use under layers with a name of its own`,
        );
      }
    }
    for (const [role, target] of Object.entries(storage)) {
      if (Object.hasOwn(config.storage, target)) continue;
      report(
        ['runners', runner, 'storage', role],
        `names "${target}", which is not under storage${suggestion(target, Object.keys(config.storage))}`,
      );
    }
  }
  return problems;
}
