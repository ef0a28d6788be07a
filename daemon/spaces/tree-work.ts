// The questions about a whole tree, answered from its record. Synchronous: large trees are asked about in a worker.

import * as fs from 'node:fs';
import { bytesOf, byteText } from './byte-text.ts';
import { openToOwner } from './inside.ts';
import {
  differing,
  FIELDS,
  isFolderAt,
  isSameShape,
  namesIn,
  overlay,
  readRecord,
  recordTree,
  type TreeRecord,
  writeRecord,
} from './tree-record.ts';

/** Entry → what the kernel says of it now, for entries that were changed by us after the record was made. */
export type Furnished = Record<string, number[]>;

export interface Requests {
  record: { top: string; file: string };
  /** Makes the record anew for a tree that was repaired, if it is the same tree. */
  renew: { top: string; file: string };
  /** Makes the record anew for a tree that was given other files, if what decides about files stayed. */
  change: { top: string; file: string };
  examine: { top: string; file: string; furnished: Furnished; within: string[] };
  rebuild: { top: string; file: string; furnished: Furnished; into: string };
}

export interface Answers {
  record: { hasFilters: boolean };
  renew: { isSame: boolean };
  change: { isTrustworthy: boolean };
  examine: Examination;
  rebuild: { kept: number };
}

export type Kind = keyof Requests;
export type Job = { [K in Kind]: { kind: K; request: Requests[K] } }[Kind];

/** Paths are byte texts. */
export interface Examination {
  files: string[];
  folders: string[];
  /** In folders that differ, and in those that were furnished. */
  extras: Extra[];
  /** Files below `within` that are as they were. */
  kept: string[];
}

export interface Extra {
  path: string;
  /** 'empty': a folder with nothing but folders in it. */
  kind: 'file' | 'folder' | 'empty';
}

export function work(job: Job): Answers[Kind] {
  switch (job.kind) {
    case 'record':
      return record(job.request);
    case 'renew':
      return renew(job.request);
    case 'change':
      return change(job.request);
    case 'examine':
      return examine(job.request);
    case 'rebuild':
      return rebuild(job.request);
    default:
      return job satisfies never;
  }
}

function record({ top, file }: Requests['record']): Answers['record'] {
  const made = recordTree(byteText(top));
  writeRecord(file, made);
  return { hasFilters: hasFilters(byteText(top), made) };
}

function renew({ top, file }: Requests['renew']): Answers['renew'] {
  const made = recordTree(byteText(top));
  const isSame = isSameShape(readRecord(file), made);
  if (isSame) writeRecord(file, made);
  return { isSame };
}

function change({ top, file }: Requests['change']): Answers['change'] {
  const before = readRecord(file);
  const made = recordTree(byteText(top));
  const attributes = (of: TreeRecord) => JSON.stringify(attributeFiles(of).map((at) => describe(of, at)));
  // Other attributes may give other content to a file that is the same in both commits.
  const isTrustworthy = attributes(before) === attributes(made) && !hasFilters(byteText(top), made);
  if (isTrustworthy) writeRecord(file, made);
  return { isTrustworthy };
}

function examine({ top, file, furnished, within }: Requests['examine']): Examination {
  const root = byteText(top);
  const known = overlay(readRecord(file), furnished);
  const { files, folders } = differing(root, known);
  const changed = new Set(files);
  const places = within.map(byteText);
  const isWithin = (path: string) =>
    places.some((place) => place === '.' || path === place || path.startsWith(`${place}/`));
  const kept =
    places.length === 0
      ? []
      : known.paths.filter((path, at) => !isFolderAt(known, at) && isWithin(path) && !changed.has(path));
  const looked = new Set([...folders, ...Object.keys(furnished)]);
  return { files, folders, extras: extrasIn(root, known, looked), kept };
}

function extrasIn(top: string, { paths }: TreeRecord, folders: ReadonlySet<string>): Extra[] {
  const recorded = new Set(paths.filter((path) => folders.has(parentOf(path))));
  return paths
    .filter((path) => folders.has(path))
    .flatMap((folder) => {
      const stat = fs.lstatSync(bytesOf(`${top}/${folder}`), { throwIfNoEntry: false });
      if (!stat?.isDirectory()) return [];
      const found = namesIn(top, folder).map((name) => (folder === '' ? name : `${folder}/${name}`));
      return found.filter((path) => !recorded.has(path)).map((path) => ({ path, kind: kindOf(top, path) }));
    });
}

function kindOf(top: string, path: string): Extra['kind'] {
  const isFolder = fs.lstatSync(bytesOf(`${top}/${path}`), { throwIfNoEntry: false })?.isDirectory();
  if (!isFolder) return 'file';
  return namesIn(top, path).some((name) => kindOf(top, `${path}/${name}`) !== 'empty') ? 'folder' : 'empty';
}

/**
 * Moves what nobody has touched into a new, empty folder: whole folders, at and below which nothing differs. Files of
 * the other folders stay behind, for git to write them anew; so do the folders themselves, with their attributes.
 */
function rebuild({ top, file, furnished, into }: Requests['rebuild']): Answers['rebuild'] {
  const [from, to] = [byteText(top), byteText(into)];
  const known = overlay(readRecord(file), furnished);
  const { files, folders } = differing(from, known);
  const touched = new Set(['']);
  for (const path of [...files, ...folders])
    for (let at = path; at !== ''; at = parentOf(at)) touched.add(at);
  let kept = 0;
  for (const [at, path] of known.paths.entries()) {
    if (path === '' || !isFolderAt(known, at) || !touched.has(parentOf(path))) continue;
    if (touched.has(path)) {
      openToOwner(bytesOf(`${from}/${path}`));
      fs.mkdirSync(bytesOf(`${to}/${path}`));
    } else {
      fs.renameSync(bytesOf(`${from}/${path}`), bytesOf(`${to}/${path}`));
      kept += 1;
    }
  }
  return { kept };
}

function parentOf(path: string): string {
  return path === '' ? '/' : path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function attributeFiles({ paths }: TreeRecord): number[] {
  return paths.flatMap((path, at) => (/(^|\/)\.gitattributes$/.test(path) ? [at] : []));
}

function describe({ paths, stats }: TreeRecord, at: number): unknown[] {
  return [paths[at], ...stats.subarray(at * FIELDS, (at + 1) * FIELDS)];
}

/** A filter (LFS) may write something else tomorrow: what it fetches, its own settings. */
function hasFilters(top: string, made: TreeRecord): boolean {
  return attributeFiles(made).some((at) => {
    const path = bytesOf(`${top}/${made.paths[at] ?? ''}`);
    return !fs.lstatSync(path).isFile() || fs.readFileSync(path, 'latin1').includes('filter');
  });
}
