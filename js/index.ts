/** The public API that all platforms share. */

export { Column, type AnyColumn } from './column.js';
export type { ColumnDeclaration, ColumnInput, RowInput, TableInput } from './columns.js';
export type { ConvertOptions } from './convert.js';
export type { EncodingOptions } from './encoder.js';
export { init, initSync, type InitOptions, type WasmInput } from './engine.js';
export { NcfError, type NcfErrorDetails } from './errors.js';
export type { Edit, EvolveOptions } from './evolve.js';
export type { NcfFile } from './file.js';
export type { Filter, FilterColumns, FilterCombinations, FilterCondition, FilterOperators, FilterValue } from './filter.js';
export {
  DATA_TYPES,
  DIALECTS,
  ERROR_CODES,
  SEMANTIC_TYPES,
  TIME_UNITS,
  WARNING_CODES,
  type DataType,
  type Dialect,
  type NcfErrorCode,
  type SemanticType,
  type TimeUnit,
  type WarningCode,
} from './generated.js';
export type { BufferInput, ColumnValues, InputCell } from './input.js';
export type { AsyncBuffer, NcfInput } from './source.js';
export type { NcfOrigin, OriginOptions } from './origin.js';
export type { ByteSink, FileHandleLike, NcfSink } from './sink.js';
export { convert, evolve } from './rewrite.js';
export { Table, type Row } from './table.js';
export type {
  AnyCell,
  BatchOptions,
  CallOptions,
  Cell,
  ColumnSchema,
  ColumnStatistics,
  DateMode,
  FetchOptions,
  Int64Mode,
  Layout,
  Limits,
  OpenOptions,
  Progress,
  ReadOptions,
  RowGroup,
  Schema,
  TextMode,
  ValuesByType,
  VerifyProblem,
  VerifyReport,
  Warning,
  WritableDialect,
} from './types.js';
export { write, writeSync, type WriteOptions } from './write.js';
export { append, NcfWriter, writeRows, type AppendOptions, type WriteResult, type WriterOptions } from './writer.js';
