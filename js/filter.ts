/**
 * Filters: what callers write, in the form of MongoDB and hyparquet, checked and made into the plain form that the core
 * binds to the columns of a file.
 */

import { invalid, NcfError } from './errors.js';

/**
 * A value to compare with. Numbers and bigints are compared exactly, whatever the column's type. By type of the column:
 * - integers, floats: number or bigint (of at most 128 bits);
 * - boolean: boolean; string: text; binary: `Uint8Array`;
 * - date: ISO 8601 text, `Date`, or days since 1970-01-01 as number or bigint;
 * - timestamp: ISO 8601 text, `Date`, or a count of the column's unit as number or bigint. Text without zone, and
 *   columns without zone, are taken to be in UTC;
 * - decimal: text such as `'19.99'`, number (the decimal that it is written as), or bigint.
 *
 * `null` stands for "no value", and can be looked for with `$eq`, `$ne`, `$in` and `$nin`.
 */
export type FilterValue = null | boolean | number | bigint | string | Date | Uint8Array;

/**
 * What the value of a column has to meet; all that is given is required.
 *
 * Logic has two values: a comparison with a value does not hold for a null row, and `$ne`, `$nin` and `$not` are plain
 * negation, so that `{ $ne: 5 }`, `{ $nin: [5] }` and `{ $not: { $gt: 5 } }` hold for null rows. -0 equals 0. NaN equals
 * NaN, and `$gt`, `$gte`, `$lt` and `$lte` hold neither for NaN nor against it. Text is ordered by code points, bytes
 * bytewise, false before true, dates and timestamps as points in time.
 */
export interface FilterOperators {
  /** Equal. */
  readonly $eq?: FilterValue;
  /** Not equal; null rows are equal to `null` alone. */
  readonly $ne?: FilterValue;
  /** Greater than. */
  readonly $gt?: Exclude<FilterValue, null>;
  /** Greater than or equal. */
  readonly $gte?: Exclude<FilterValue, null>;
  /** Less than. */
  readonly $lt?: Exclude<FilterValue, null>;
  /** Less than or equal. */
  readonly $lte?: Exclude<FilterValue, null>;
  /** Equal to one of these; none match nothing. */
  readonly $in?: readonly FilterValue[];
  /** Equal to none of these. */
  readonly $nin?: readonly FilterValue[];
  /** Whether there is no value: `true` for null rows, `false` for the others. */
  readonly $null?: boolean;
  /** These do not all hold, or the value is not equal to this one. */
  readonly $not?: FilterOperators | FilterValue;
}

/** A value for `$eq`, or operators. */
export type FilterCondition = FilterOperators | FilterValue;

/** Names of columns, and what their values have to meet. */
export type FilterColumns = Readonly<Record<string, FilterCondition>>;

/** Combinations of filters. */
export interface FilterCombinations {
  /** All of these match; an empty array matches every row. */
  readonly $and?: readonly Filter[];
  /** One of these matches at least; an empty array matches no row. */
  readonly $or?: readonly Filter[];
  /** None of these matches. */
  readonly $nor?: readonly Filter[];
  /** This does not match. */
  readonly $not?: Filter;
  /** Columns by name, even where the name starts with `$`. */
  readonly $columns?: FilterColumns;
}

/**
 * Which rows to read: names of columns with what their values have to meet, and combinations of filters; all that is
 * given is required. `{}` matches every row.
 *
 * ```ts
 * { country: 'CH', price: { $gte: 10, $lt: 20 } }
 * { $or: [{ id: { $in: [1, 2, 3] } }, { deleted: null }] }
 * ```
 *
 * The result is exact. Chunks of the file whose statistics exclude every match are not fetched.
 *
 * A column whose name starts with `$` is named within `$columns`, where every key is a name:
 * `{ $columns: { $price: { $gt: 5 } } }`.
 */
export type Filter = FilterCombinations | FilterColumns;

/** A value as the core takes it: dates are ISO text. */
type CompiledValue = Exclude<FilterValue, Date>;

/** What `Filter` of src/wasm/filter.rs takes. */
export type CompiledFilter =
  | readonly ['all' | 'any', ...CompiledFilter[]]
  | readonly ['not', CompiledFilter]
  | readonly ['=' | '<' | '<=' | '>' | '>=', column: string, value: CompiledValue]
  | readonly ['in', column: string, ...values: CompiledValue[]];

/** How deep filters may be nested; the core allows the four levels that one can become. */
const MAX_DEPTH = 64;

/** How many conditions and values there may be. */
const MAX_TERMS = 1_000_000;

const COMPARISONS: Readonly<Record<string, '=' | '<' | '<=' | '>' | '>='>> = { $eq: '=', $lt: '<', $lte: '<=', $gt: '>', $gte: '>=' };

const OPERATORS = '$eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $null, $not';

/** A surrogate without its other half, which no text of a file holds. */
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/**
 * Checks the shape of a filter, and makes the form that the core takes. Whether the columns exist and the values suit
 * them the core tells.
 * @throws {NcfError} `invalid-argument`, naming where in the filter; `limit-exceeded`
 */
export function compileFilter(filter: unknown): CompiledFilter {
  return new Compiler().filter(filter, 'filter', 0);
}

class Compiler {
  /** The objects that the present place is inside of. */
  readonly #ancestors = new Set<object>();
  #terms = 0;

  filter(value: unknown, where: string, depth: number): CompiledFilter {
    return this.#within(value, where, depth, 'an object of columns and operators', (entries) =>
      all(entries.flatMap(([key, inner]) => (inner === undefined && key.startsWith('$') ? [] : [this.#entry(key, inner, where, depth)]))),
    );
  }

  #entry(key: string, value: unknown, where: string, depth: number): CompiledFilter {
    const here = where + property(key);
    switch (key) {
      case '$and':
        return all(this.#filters(value, here, depth));
      case '$or':
        return any(this.#filters(value, here, depth));
      case '$nor':
        return not(any(this.#filters(value, here, depth)));
      case '$not':
        return not(this.filter(value, here, depth + 1));
      case '$columns':
        return this.#within(value, here, depth + 1, 'an object of columns', (entries) =>
          all(entries.map(([name, condition]) => this.#condition(name, condition, here + property(name), depth + 1))),
        );
      default:
        if (key.startsWith('$')) {
          throw invalid(here, 'is none of $and, $or, $nor, $not, $columns; a column of that name goes into $columns');
        }
        return this.#condition(key, value, here, depth);
    }
  }

  #filters(value: unknown, where: string, depth: number): CompiledFilter[] {
    return array(value, where, 'of filters').map((inner, index) => this.filter(inner, `${where}[${index}]`, depth + 1));
  }

  /** A value to equal, or operators. */
  #condition(name: string, value: unknown, where: string, depth: number): CompiledFilter {
    if (LONE_SURROGATE.test(name)) throw invalid(where, 'has a lone surrogate in the name of the column');
    if (!isPlainObject(value)) return this.#compare('=', name, value, where);
    return this.#within(value, where, depth + 1, 'operators', (entries) => {
      const given = entries.filter(([, operand]) => operand !== undefined);
      if (given.length === 0) throw invalid(where, `has no operator (known: ${OPERATORS})`);
      return all(given.map(([operator, operand]) => this.#operator(operator, name, operand, where + property(operator), depth + 1)));
    });
  }

  #operator(operator: string, name: string, operand: unknown, where: string, depth: number): CompiledFilter {
    const comparison = COMPARISONS[operator];
    if (comparison !== undefined && Object.hasOwn(COMPARISONS, operator)) {
      if (operand === null && comparison !== '=') throw invalid(where, 'null has no order');
      return this.#compare(comparison, name, operand, where);
    }
    switch (operator) {
      case '$ne':
        return not(this.#compare('=', name, operand, where));
      case '$in':
        return this.#in(name, operand, where);
      case '$nin':
        return not(this.#in(name, operand, where));
      case '$not':
        return not(this.#condition(name, operand, where, depth));
      case '$null': {
        if (typeof operand !== 'boolean') throw invalid(where, `is ${describe(operand)} instead of true or false`);
        const isNull = this.#compare('=', name, null, where);
        return operand ? isNull : not(isNull);
      }
      default:
        throw invalid(where, `is no operator (known: ${OPERATORS})`);
    }
  }

  #compare(comparison: '=' | '<' | '<=' | '>' | '>=', name: string, value: unknown, where: string): CompiledFilter {
    return [comparison, name, this.#value(value, where)];
  }

  #in(name: string, values: unknown, where: string): CompiledFilter {
    this.#count(1);
    return ['in', name, ...array(values, where, 'of values').map((value, index) => this.#value(value, `${where}[${index}]`))];
  }

  #value(value: unknown, where: string): CompiledValue {
    this.#count(1);
    if (value === null) return value;
    switch (typeof value) {
      case 'boolean':
      case 'number':
        return value;
      case 'bigint':
        if (BigInt.asIntN(128, value) !== value) throw invalid(where, 'is a bigint of more than 128 bits');
        return value;
      case 'string':
        if (LONE_SURROGATE.test(value)) throw invalid(where, 'is text with a lone surrogate');
        return value;
      default:
    }
    if (value instanceof Uint8Array) return value;
    if (value instanceof Date) {
      if (Number.isNaN(value.getTime())) throw invalid(where, 'is an invalid Date');
      return value.toISOString();
    }
    const hint = Array.isArray(value) ? '; use $in for several values' : '';
    throw invalid(where, `is ${describe(value)}, no value (null, boolean, number, bigint, string, Date, Uint8Array)${hint}`);
  }

  #count(terms: number): void {
    this.#terms += terms;
    if (this.#terms > MAX_TERMS) throw new NcfError('limit-exceeded', `filter: more than ${MAX_TERMS} conditions and values`);
  }

  /** Goes into an object, which must be plain, not part of itself, and not too deep. */
  #within<T>(value: unknown, where: string, depth: number, what: string, body: (entries: [string, unknown][]) => T): T {
    if (!isPlainObject(value)) throw invalid(where, `is ${describe(value)} instead of ${what}`);
    if (this.#ancestors.has(value)) throw invalid(where, 'is part of itself');
    if (depth > MAX_DEPTH) throw invalid(where, `is nested deeper than ${MAX_DEPTH}`);
    this.#count(1);
    this.#ancestors.add(value);
    const result = body(Object.entries(value));
    this.#ancestors.delete(value);
    return result;
  }
}

function all(filters: CompiledFilter[]): CompiledFilter {
  return filters.length === 1 && filters[0] ? filters[0] : ['all', ...filters];
}

function any(filters: CompiledFilter[]): CompiledFilter {
  return filters.length === 1 && filters[0] ? filters[0] : ['any', ...filters];
}

function not(filter: CompiledFilter): CompiledFilter {
  return ['not', filter];
}

function array(value: unknown, where: string, what: string): unknown[] {
  if (!Array.isArray(value)) throw invalid(where, `is ${describe(value)} instead of an array ${what}`);
  return value;
}

/** Whether it is an object of the language rather than of a class; those of other realms included. */
function isPlainObject(value: unknown): value is object {
  return Object.prototype.toString.call(value) === '[object Object]';
}

/** `.name` or `["na me"]`, as a path is written. */
function property(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return `an object (${Object.prototype.toString.call(value).slice(8, -1)})`;
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : typeof value === 'function' ? 'a function' : String(value);
}
