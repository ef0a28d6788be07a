// Reads the import finder that setuptools writes for an editable install: a Python file with a literal table of
// package names and their folders. The text is searched, never run.

export interface FinderMappings {
  /** Folders that, searched as on PYTHONPATH, give the same packages. */
  folders: string[];
  /** Folders of packages that have another name than their folder: no search path can give those. */
  renamed: string[];
}

const TABLES = /^(?:MAPPING|NAMESPACES)\b[^=\n]*=\s*(\{.*\})\s*$/gm;
const STRING = String.raw`(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")`;
const NAME_AND_FOLDER = new RegExp(String.raw`${STRING}\s*:\s*\[?\s*${STRING}`, 'g');

export function finderMappings(text: string): FinderMappings {
  const folders = new Set<string>();
  const renamed: string[] = [];
  for (const [, table = ''] of text.matchAll(TABLES)) {
    for (const [, single, double, singleFolder, doubleFolder] of table.matchAll(NAME_AND_FOLDER)) {
      const name = (single ?? double ?? '').split('.');
      const folder = unescaped(singleFolder ?? doubleFolder ?? '').replace(/\.py$/, '');
      const parts = folder.split('/');
      const same = parts.slice(-name.length).join('.') === name.join('.');
      if (same) folders.add(parts.slice(0, -name.length).join('/') || '/');
      else renamed.push(folder);
    }
  }
  return { folders: [...folders], renamed };
}

// What Python's repr() escapes in a path. Anything rarer is left as it is, and simply points nowhere.
function unescaped(text: string): string {
  return text
    .replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\u([0-9a-f]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\n/g, '\n')
    .replace(/\\t/g, '\t')
    .replace(/\\(['"\\])/g, '$1');
}
