/** Whether two types are the same, not only assignable to each other. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles when both types are the same: `expectType<Expected, Actual>(true)`. */
export declare function expectType<Expected, Actual>(same: Same<Expected, Actual>): void;

// It can tell.
expectType<1, 1>(true);
expectType<string, 'a'>(false);
expectType<{ readonly a: 1 }, { a: 1 }>(false);
// @ts-expect-error
expectType<string, 'a'>(true);
