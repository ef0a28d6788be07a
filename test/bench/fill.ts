// A long history, made by copying one run's row in the daemon's own database while no daemon runs.
import Database from 'better-sqlite3';

export interface Copies {
  /** Path of the database. */
  file: string;
  /** Id of the run to copy, with its job: every copy has a job of its own. */
  runId: string;
  count: number;
}

/** Adds `count` runs as if they had been submitted one second after another. */
export function copyRun({ file, runId, count }: Copies): void {
  const db = new Database(file);
  try {
    // Durability is not what is measured here.
    db.pragma('synchronous = OFF');
    db.function('reverse_text', { deterministic: true }, (text) => [...String(text)].reverse().join(''));
    db.transaction(() => {
      const counter = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @count)';
      db.exec('CREATE TEMP TABLE fresh (i INTEGER PRIMARY KEY, id TEXT, job TEXT)');
      db.prepare(
        `${counter} INSERT INTO fresh SELECT i, printf('%s-7000-8000-%s', substr(h, 1, 8) || '-' || substr(h, 9, 4), substr(h, 13, 12)),
         lower(hex(randomblob(32))) FROM (SELECT i, lower(hex(randomblob(12))) AS h FROM n)`,
      ).run({ count });
      db.prepare(
        copyStatement(
          db,
          'jobs',
          { id: 'fresh.job' },
          'original.id = (SELECT job_id FROM runs WHERE id = @runId)',
        ),
      ).run({ runId });
      const columns = {
        seq: 'NULL',
        id: 'fresh.id',
        id_reversed: 'reverse_text(fresh.id)',
        job_id: 'fresh.job',
        created_at: 'original.created_at + fresh.i',
      };
      db.prepare(copyStatement(db, 'runs', columns, 'original.id = @runId')).run({ runId });
      db.exec('DROP TABLE fresh');
    })();
    db.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
}

/** Copies a row for each of `fresh`, with other values in some columns; right for any schema that has those. */
function copyStatement(
  db: Database.Database,
  table: string,
  replaced: Record<string, string>,
  where: string,
): string {
  const columns = db.prepare(`SELECT name FROM pragma_table_info('${table}')`).pluck().all() as string[];
  const values = columns.map((column) => replaced[column] ?? `original.${column}`);
  return `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${values.join(', ')} FROM ${table} AS original, fresh WHERE ${where} ORDER BY fresh.i`;
}
