// A rule names a status and says when it applies. A list of rules in order of precedence is one table of the
// specification: of all the rules that apply to a record, the first gives the answer.

export type Rule<Status extends string, Context> = readonly [
  status: Status,
  applies: (context: Context) => boolean,
];

/** The status of the first rule that applies; undefined when none does. */
export function firstThatApplies<Status extends string, Context>(
  rules: readonly Rule<Status, Context>[],
  context: Context,
): Status | undefined {
  return rules.find(([, applies]) => applies(context))?.[0];
}

/**
 * Throws when `rules` do not stand in the order in which `statuses` declares them: the declaration is the order of
 * precedence, so each table checks itself when it is loaded.
 */
export function inPrecedence<Status extends string, Context>(
  statuses: Readonly<Record<Status, number>>,
  rules: readonly Rule<Status, Context>[],
): readonly Rule<Status, Context>[] {
  const order = Object.keys(statuses);
  for (let i = 1; i < rules.length; i++) {
    const [before, after] = [rules[i - 1]![0], rules[i]![0]];
    if (order.indexOf(before) > order.indexOf(after)) {
      throw new Error(`expected ${after} before ${before}, as in the order of precedence`);
    }
  }
  return rules;
}
