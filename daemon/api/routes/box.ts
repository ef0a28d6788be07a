// The shared machine: who has what, who waits, what is wrong. Its files' owner may take devices out of use.
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { LOCAL_API } from '../../../shared/api.ts';
import {
  boxDoctorResponseSchema,
  boxDrainRequestSchema,
  boxDrainResponseSchema,
  boxReportResponseSchema,
  boxStatusSchema,
} from '../../../shared/box.ts';
import { QwexError } from '../../../shared/errors.ts';
import { type Box, boxFindings, boxReport, boxStatus, setDrained } from '../../box/index.ts';
import type { ApiContext } from '../context.ts';
import { answer, describe, jsonBody } from '../route.ts';

const deviceParams = z.object({ device: z.string().min(1).max(64) });
const reportQuery = z.strictObject({ sinceMs: z.coerce.number().int().min(0).max(8.64e15) });

/** What the daemon knows of its box. */
export type BoxView = Pick<ApiContext['line'], 'again' | 'box' | 'isShared' | 'problem' | 'notice'>;

export function boxRoutes({ line }: { line: BoxView }) {
  const app = new OpenAPIHono();
  const status = async (box: Box) => {
    const found = await boxStatus(box, { shared: line.isShared });
    const words = [line.problem, line.notice].flatMap((told) => told ?? []);
    return { ...found, problems: [...words, ...found.problems] };
  };

  const statusAnswer = { responses: { 200: answer('devices and the line', boxStatusSchema) } };
  app.openapi(describe(LOCAL_API.box, statusAnswer), async (c) =>
    c.json(await status(await opened(line)), 200),
  );

  const report = describe(LOCAL_API.boxReport, {
    request: { query: reportQuery },
    responses: { 200: answer('who used what', boxReportResponseSchema) },
  });
  app.openapi(report, async (c) => {
    const current = await opened(line);
    const { sinceMs } = c.req.valid('query');
    const [used, { devices }] = await Promise.all([boxReport(current, sinceMs), status(current)]);
    const remarkable = devices.filter(({ state, note }) => state === 'leased' && note !== null);
    return c.json({ ...used, remarkable }, 200);
  });

  const doctor = { responses: { 200: answer('what is wrong with it', boxDoctorResponseSchema) } };
  app.openapi(describe(LOCAL_API.boxDoctor, doctor), async (c) => {
    const current = await opened(line);
    return c.json({ path: current.root, findings: await boxFindings(current) }, 200);
  });

  const drainAnswer = { 200: answer('the device in box.yaml', boxDrainResponseSchema) };
  const drain = describe(LOCAL_API.boxDrain, {
    request: { params: deviceParams, ...jsonBody(boxDrainRequestSchema) },
    responses: drainAnswer,
  });
  app.openapi(drain, async (c) => {
    const { root: path } = await opened(line);
    const { device } = c.req.valid('param');
    const { why: drained } = c.req.valid('json');
    await setDrained(path, device, drained);
    return c.json({ path, device, drained }, 200);
  });

  const resume = describe(LOCAL_API.boxResume, {
    request: { params: deviceParams },
    responses: drainAnswer,
  });
  app.openapi(resume, async (c) => {
    const { root: path } = await opened(line);
    const { device } = c.req.valid('param');
    await setDrained(path, device, null);
    return c.json({ path, device, drained: null }, 200);
  });
  return app;
}

/** A daemon that has just started may still be asking the driver. Throws `not_found` with what was wrong. */
async function opened(line: BoxView): Promise<Box> {
  await line.again();
  if (line.box !== null) return line.box;
  throw new QwexError({
    code: 'not_found',
    message: `this daemon takes part in no box${line.problem === null ? '' : `: ${line.problem}`}`,
    hint: 'when that is mended it is found without a restart; to make a box: qwex box init --help',
  });
}
