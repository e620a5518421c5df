//! The rows of a database, inserted again into a fresh one with the same tables: by nothing but UNNEST.
//!
//! Columns travel as the binary arrays in which PostgreSQL aggregated them. Tables come in the order of their foreign keys;
//! the rows of each generation are spread evenly over its share of the transactions.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo};
use sqlx::{
    AssertSqlSafe, Connection, Encode, Executor, PgConnection, Postgres, Row, SqlSafeStr, Type, TypeInfo, ValueRef,
};

use crate::lab::Lab;
use crate::lab::installation::Installation;
use crate::lab::meter::Measured;

/// What operators and the relay write, or what must be there before: copied before the clock starts, or not at all.
const BEFORE: [&str; 4] = ["tenants", "legal_entities", "api_keys", "sources"];
const NEVER: [&str; 4] = ["relay_state", "database_mark", "_frame_migrations", "_sqlx_migrations"];

/// A column as one array, as PostgreSQL sends it.
#[derive(Clone)]
struct Array(PgTypeInfo, Arc<[u8]>);

impl Type<Postgres> for Array {
    fn type_info() -> PgTypeInfo {
        <Vec<String> as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Array {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buf.extend_from_slice(&self.1);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.0.clone())
    }
}

/// One statement with the rows of one table.
struct Insert {
    sql: Arc<str>,
    columns: Vec<Array>,
}

/// Rows of tables that do not refer to one another, by transaction.
type Generation = Vec<Vec<Insert>>;

pub(crate) struct Rows {
    before: Generation,
    generations: Vec<Generation>,
    pub(crate) total: usize,
    pub(crate) tables: usize,
}

/// Name, type, and whether the type is an array, which UNNEST would flatten.
type Column = (String, String, bool);

struct Table {
    name: String,
    columns: Vec<Column>,
    rows: usize,
}

impl Rows {
    /// Everything in ingestion's database, to be written in so many transactions.
    pub(crate) async fn read(here: &Installation<'_>, transactions: usize) -> anyhow::Result<Self> {
        let mut conn = PgConnection::connect(&here.url("ingestion", "owner")?).await?;
        let tables = tables(&mut conn).await?;
        let (first, later): (Vec<_>, Vec<_>) =
            tables.into_iter().partition(|table| BEFORE.contains(&table.name.as_str()));
        let total: usize = later.iter().map(|table| table.rows).sum();
        let parents = parents(&mut conn).await?;
        let mut before = Vec::new();
        for name in BEFORE {
            for table in first.iter().filter(|table| table.name == name) {
                before.extend(slices(&mut conn, &[table], 1).await?);
            }
        }
        let mut generations = Vec::new();
        let mut by_depth: BTreeMap<usize, Vec<&Table>> = BTreeMap::new();
        for table in &later {
            by_depth.entry(depth(&table.name, &parents)).or_default().push(table);
        }
        for tables in by_depth.values() {
            let rows: usize = tables.iter().map(|table| table.rows).sum();
            let share = (transactions * rows / total.max(1)).max(1);
            generations.push(slices(&mut conn, tables, share).await?);
        }
        Ok(Self { before, generations, total, tables: later.len() })
    }
}

async fn tables(conn: &mut PgConnection) -> anyhow::Result<Vec<Table>> {
    let columns: Vec<(String, String, String, bool)> = sqlx::query_as(
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL), t.typcategory = 'A'
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = '' AND NOT a.atthasdef
         ORDER BY c.relname, a.attnum",
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut by_name: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for (table, column, kind, is_array) in columns {
        by_name.entry(table).or_default().push((column, kind, is_array));
    }
    let mut tables = Vec::new();
    for (name, columns) in by_name {
        if NEVER.contains(&name.as_str()) {
            continue;
        }
        let count = format!("SELECT count(*) FROM {name}");
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut *conn).await?;
        if rows > 0 {
            tables.push(Table { name, columns, rows: usize::try_from(rows)? });
        }
    }
    Ok(tables)
}

/// Pairs of a table and one that it refers to.
async fn parents(conn: &mut PgConnection) -> anyhow::Result<Vec<(String, String)>> {
    Ok(sqlx::query_as(
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
         WHERE contype = 'f' AND conrelid <> confrelid",
    )
    .fetch_all(conn)
    .await?)
}

fn depth(table: &str, parents: &[(String, String)]) -> usize {
    parents.iter().filter(|(child, _)| child == table).map(|(_, parent)| 1 + depth(parent, parents)).max().unwrap_or(0)
}

async fn slices(conn: &mut PgConnection, tables: &[&Table], transactions: usize) -> anyhow::Result<Generation> {
    let mut generation: Generation = (0..transactions).map(|_| Vec::new()).collect();
    for table in tables {
        let each = table.rows.div_ceil(transactions);
        let read = format!("SELECT {} FROM (SELECT * FROM {} OFFSET $1 LIMIT $2) rows", aggregates(table), table.name);
        let sql: Arc<str> = insert_of(table).into();
        for (position, transaction) in generation.iter_mut().enumerate() {
            let offset = position * each;
            if offset >= table.rows {
                break;
            }
            let row = sqlx::query(AssertSqlSafe(read.clone()))
                .bind(i64::try_from(offset)?)
                .bind(i64::try_from(each)?)
                .fetch_one(&mut *conn)
                .await?;
            let mut columns = Vec::new();
            for index in 0..table.columns.len() {
                let value = row.try_get_raw(index)?;
                anyhow::ensure!(!value.type_info().is_null(), "a column of {} has no type", table.name);
                let bytes = value.as_bytes().map_err(|error| anyhow::anyhow!(error))?;
                columns.push(Array(value.type_info().into_owned(), bytes.into()));
            }
            transaction.push(Insert { sql: Arc::clone(&sql), columns });
        }
    }
    Ok(generation)
}

fn aggregates(table: &Table) -> String {
    let of = |(name, _, is_array): &Column| {
        if *is_array { format!("array_agg({name}::text)") } else { format!("array_agg({name})") }
    };
    table.columns.iter().map(of).collect::<Vec<_>>().join(", ")
}

fn insert_of(table: &Table) -> String {
    let list = |of: &dyn Fn(usize, &Column) -> String| {
        table.columns.iter().enumerate().map(|(index, column)| of(index, column)).collect::<Vec<_>>().join(", ")
    };
    let names = list(&|_, (name, _, _)| name.clone());
    let aliases = list(&|index, _| format!("c{index}"));
    let values = list(&|index, (_, kind, is_array)| {
        if *is_array { format!("c{index}::{kind}") } else { format!("c{index}") }
    });
    let arrays = list(&|index, (_, kind, is_array)| {
        if *is_array { format!("${}::text[]", index + 1) } else { format!("${}::{kind}[]", index + 1) }
    });
    format!("INSERT INTO {} ({names}) SELECT {values} FROM unnest({arrays}) AS t ({aliases})", table.name)
}

/// Writes the rows into the database `twin` over so many connections; measures it as so many `events`.
pub(crate) async fn insert(
    lab: &Lab,
    rows: &Rows,
    twin: &str,
    connections: usize,
    events: u64,
) -> anyhow::Result<Measured> {
    let url = runtime::database::role_url(&lab.admin_url, "ingestion", "worker", twin)?;
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(PgConnection::connect(&url).await?);
    }
    for transaction in &rows.before {
        let Some(conn) = open.first_mut() else { break };
        write(conn, transaction).await?;
    }
    // Every connection knows every statement before the clock starts, as those of a service do.
    for conn in &mut open {
        for insert in rows.generations.iter().filter_map(|generation| generation.first()).flatten() {
            conn.prepare(AssertSqlSafe(insert.sql.to_string()).into_sql_str()).await?;
        }
    }
    let running = lab.meter.start();
    for generation in &rows.generations {
        let todo = Mutex::new(generation.iter().collect::<VecDeque<_>>());
        let next = || todo.lock().ok().and_then(|mut todo| todo.pop_front());
        let writers = open.iter_mut().map(|conn| async {
            while let Some(transaction) = next() {
                write(conn, transaction).await?;
            }
            anyhow::Ok(())
        });
        futures::future::try_join_all(writers).await?;
    }
    Ok(running.stop(events))
}

async fn write(conn: &mut PgConnection, transaction: &[Insert]) -> anyhow::Result<()> {
    let mut tx = conn.begin().await?;
    for insert in transaction {
        let mut arguments = PgArguments::default();
        for column in &insert.columns {
            sqlx::Arguments::add(&mut arguments, column.clone()).map_err(|error| anyhow::anyhow!(error))?;
        }
        sqlx::query_with(AssertSqlSafe(insert.sql.to_string()), arguments).execute(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
}
