/** What went wrong in a template, and where. Only crosses the template engine; compile() words it for people. */
export class TemplateFault extends Error {
  /** The template's name. */
  readonly template: string;
  /** From 1; null when unknown. */
  readonly line: number | null;

  constructor(template: string, line: number | null, message: string) {
    super(message);
    this.name = 'TemplateFault';
    this.template = template;
    this.line = line;
  }
}
