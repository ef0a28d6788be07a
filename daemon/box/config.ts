// box.yaml, as the daemon uses it. Written by whoever made the box; everyone else only reads it.
import { statSync } from 'node:fs';
import { type BoxFile, boxFileSchema } from '../../shared/box.ts';
import { QwexError } from '../../shared/errors.ts';
import { problemsError } from '../config/problems.ts';
import { readSource } from '../config/source-file.ts';
import { validate } from '../config/validate.ts';
import { parseYaml } from '../config/yaml-file.ts';
import type { Accounts } from './accounts.ts';
import { boxPlaces } from './files/places.ts';
import type { MemberLimits, PlanPolicy } from './plan/types.ts';

export interface BoxConfig {
  file: BoxFile;
  policy: PlanPolicy;
  halfLifeMs: number;
  /** uid of the box's folder. */
  owner: number;
  /** Members in the file that this machine doesn't know. */
  unknownMembers: string[];
}

/** Throws `not_found` when there is no box, `invalid_config` with every problem of its file. */
export async function loadBox(root: string, accounts: Accounts): Promise<BoxConfig> {
  const path = boxPlaces(root).boxFile;
  const file = await readBoxFile(path);
  const names = Object.keys(file.policy.members);
  await accounts.learn(names.filter((name) => !/^\d+$/.test(name)));
  const everyone = limitsFrom(file.policy, { maxDevices: null, maxRuns: null });
  const limits = new Map<number, MemberLimits>();
  const bands = new Map<number, number>();
  const unknownMembers: string[] = [];
  for (const [name, member] of Object.entries(file.policy.members)) {
    const uid = accounts.uidOf(name);
    if (uid === undefined) unknownMembers.push(name);
    else {
      limits.set(uid, limitsFrom(member, everyone));
      if (member.band !== undefined) bands.set(uid, member.band);
    }
  }
  const { half_life, max_time, patience } = file.policy;
  const policy = {
    ...{ everyone, limits, bands },
    defaultTimeMs: file.default_time,
    maxTimeMs: max_time ?? null,
    patienceMs: patience,
  };
  return { file, policy, halfLifeMs: half_life, owner: statSync(root).uid, unknownMembers };
}

export async function readBoxFile(path: string): Promise<BoxFile> {
  const source = await readSource(path, path);
  if (source === null) {
    throw new QwexError({
      code: 'not_found',
      message: `there is no box: ${path} does not exist`,
      hint: 'make one with: qwex box init',
    });
  }
  return parseBoxFile(source.text, path);
}

export function parseBoxFile(text: string, path: string): BoxFile {
  const { yaml, problems } = parseYaml({ path, text });
  if (problems.length > 0) throw problemsError('invalid_config', problems);
  const checked = validate(boxFileSchema, yaml);
  if (!checked.ok) throw problemsError('invalid_config', checked.problems);
  return checked.value;
}

function limitsFrom(
  { max_devices, max_runs }: { max_devices?: number | undefined; max_runs?: number | undefined },
  otherwise: MemberLimits,
): MemberLimits {
  return { maxDevices: max_devices ?? otherwise.maxDevices, maxRuns: max_runs ?? otherwise.maxRuns };
}
