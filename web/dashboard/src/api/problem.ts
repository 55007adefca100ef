// Errors of the API as the dashboard handles them: the server's own words, its stable code, and the field they belong to.

/** A refused or failed call. `detail` is meant for people and says what to do. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    /** HTTP status; 0 when the server could not be reached. */
    readonly status: number,
    /** The stable code, e.g. `name_taken`; `unreachable` when there was no answer. */
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    /** Further members of the body, e.g. `nodes` of `no_node_available`. */
    readonly more: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
  }

  /** Reads a problem+json body; anything else becomes a problem with the status alone. */
  static from(status: number, body: unknown): Problem {
    if (typeof body === 'object' && body !== null && 'code' in body && 'detail' in body) {
      const { code, title, detail, ...more } = body as Record<string, unknown>;
      return new Problem(status, String(code), String(title ?? ''), sentence(String(detail)), more);
    }
    return new Problem(
      status,
      'unexpected',
      'Unexpected answer',
      `The server answered with status ${status}.`,
    );
  }

  /** There was no answer at all. */
  static unreachable(): Problem {
    return new Problem(
      0,
      'unreachable',
      'No answer',
      'The server does not answer. Check your connection and try again.',
    );
  }
}

/** What any failure says to a person. */
export function wordsOf(failure: unknown): string {
  if (failure instanceof Problem) {
    // What a cloud refuses comes with what to do about it.
    const next = failure.more.next_step;
    return typeof next === 'string' && next !== '' ? `${failure.detail} ${sentence(next)}` : failure.detail;
  }
  return 'Something went wrong in this page. Reload it and try again.';
}

// The API names no field, but its texts and codes do so unmistakably (see core/src/name.rs).
const BY_CODE: Readonly<Record<string, string>> = {
  name_taken: 'name',
  already_member: 'email',
  credential_refused: 'secret',
  account_differs: 'secret',
  unknown_credential: 'credential',
  credential_of_other: 'credential',
};
const BY_TEXT: readonly (readonly [RegExp, string])[] = [
  [/^That is not an e-mail address/, 'email'],
  [/^(A|The current) password/, 'password'],
  [/^A secret/, 'secret'],
  [/^Labels are/, 'labels'],
  [/^Image must/, 'image'],
  [/^Environment variable/, 'env'],
  [/^(\w+) must be/, '$1'],
];

/** Which of a form's fields a refusal is about; none when it is about the form as a whole. */
export function fieldOf(problem: Problem, fields: readonly string[]): string | null {
  const named = BY_CODE[problem.code] ?? byText(problem.detail);
  return named !== null && fields.includes(named) ? named : null;
}

function byText(detail: string): string | null {
  for (const [pattern, field] of BY_TEXT) {
    const match = pattern.exec(detail);
    if (match) return field === '$1' ? (match[1] ?? '').toLowerCase() : field;
  }
  return null;
}

/** The server's details start in lower case, to stand behind a code in logs; on a page they are sentences. */
export function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(start) || start === '' ? start : `${start}.`;
}
