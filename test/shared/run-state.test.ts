import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../shared/client/start-daemon.ts';
import {
  EVENT_TYPES,
  hasEnded,
  OCCUPYING_PHASES,
  PHASES,
  refusal,
  STATUSES,
  stateDiagram,
  statusOf,
  TRANSITIONS,
  VERBS,
} from '../../shared/run-state.ts';

describe('the table', () => {
  it('leads from the queue to every phase, and out of no end', () => {
    const reached = new Set<string>(['queued']);
    for (let size = 0; size !== reached.size; ) {
      size = reached.size;
      for (const { from, to } of Object.values(TRANSITIONS))
        if (to !== 'same' && (from as readonly string[]).some((phase) => reached.has(phase))) reached.add(to);
    }
    expect([...reached].sort()).toEqual([...PHASES].sort());
    for (const { from } of Object.values(TRANSITIONS))
      expect((from as readonly (typeof PHASES)[number][]).filter(hasEnded)).toEqual([]);
  });

  it('has an event of its own for every verb', () => {
    expect(new Set(EVENT_TYPES).size).toBe(VERBS.length);
  });

  it('gives every phase a status, and every status a phase', () => {
    expect(new Set(PHASES.map(statusOf))).toEqual(new Set(STATUSES));
    for (const phase of PHASES)
      expect(hasEnded(phase)).toBe(['succeeded', 'failed', 'cancelled'].includes(phase));
    for (const phase of OCCUPYING_PHASES) expect(hasEnded(phase)).toBe(false);
  });
});

describe('a refusal', () => {
  it('says what was tried, on what, and why not', () => {
    expect(refusal('start', '7', 'cancelled')).toBe('cannot start run 7: it has already ended (cancelled)');
    expect(refusal('hold', '7', 'running')).toBe('cannot hold run 7: it is running');
    expect(refusal('requestCancel', '7', 'collecting')).toBe('cannot cancel run 7: it is collecting');
  });
});

describe('the diagram in docs/architecture.md', () => {
  it('is the table (node .ci/generate.mjs writes it)', () => {
    const text = readFileSync(join(packageRoot(), 'docs', 'architecture.md'), 'utf8');
    const [, shown] = /<!-- state-diagram -->\n([\s\S]*?)<!-- \/state-diagram -->/.exec(text) ?? [];
    expect(shown).toBe(`\`\`\`mermaid\n${stateDiagram()}\n\`\`\`\n`);
  });
});
