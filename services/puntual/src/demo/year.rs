//! The demo's year: one tick a day (D17).
//!
//! | step of a day | what happens |
//! |---|---|
//! | 1 | every service's clock is set to the day |
//! | 2 | the ERP, the bank and the CRM export what happened yesterday, as CSV files, and say that this is all |
//! | 3 | the files go through ingestion's public door, as `puntual feed` sends them |
//! | 4 | one tick along the graph of the services: they apply, decide, send mail, publish |
//! | 5 | the debtors read the mail and live through the day; what they do is in tomorrow's files |

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, bail};
use chrono::NaiveDate;
use mailcatcher::MailCatcher;

use super::clock::{VirtualClock, tick_of};
use super::options::Demo;
use super::post;
use super::row::{self, Row};
use super::stage::Stage;
use super::world::{World, coverage_rows};
use crate::feed::door::FactsDoor;
use crate::feed::file::Origin;
use crate::feed::sender::{Sender, Totals};
use crate::service::Service;

/// What went in, counted on the side of those who told it.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) countries: usize,
    pub(crate) facts: u64,
    pub(crate) duplicates: u64,
    pub(crate) invoices: u64,
    pub(crate) payments: u64,
    pub(crate) mails: u64,
    /// The last mail that somebody received: customer and day.
    pub(crate) last_mail: Option<(String, NaiveDate)>,
}

pub(crate) struct Year<'a> {
    options: &'a Demo,
    catcher: &'a MailCatcher,
    door: FactsDoor,
    clock: VirtualClock,
    world: World,
    /// What happened yesterday and is told today.
    yesterday: Vec<Row>,
    payments: BTreeSet<String>,
    pub(crate) told: Told,
}

impl<'a> Year<'a> {
    pub(crate) async fn begin(options: &'a Demo, stage: &Stage, catcher: &'a MailCatcher) -> anyhow::Result<Self> {
        let world = World::new(options.seed, options.customers, options.first_day(), options.days);
        Ok(Self {
            options,
            catcher,
            door: FactsDoor::new(stage.base_url(Service::Ingestion), &stage.key)?,
            clock: VirtualClock::connect(&options.nats_url).await?,
            yesterday: world.master_rows(),
            payments: BTreeSet::new(),
            told: Told { countries: world.countries(), ..Told::default() },
            world,
        })
    }

    /// Lets every service learn of the tenant and its key before anybody knocks.
    pub(crate) async fn open(&self) -> anyhow::Result<()> {
        let before = tick_of(self.options.first_day()) - chrono::Duration::days(1);
        self.clock.tick(before).await
    }

    pub(crate) async fn live_through(&mut self, day: NaiveDate) -> anyhow::Result<()> {
        let now = tick_of(day);
        self.clock.set(now).await?;
        let mut rows = std::mem::take(&mut self.yesterday);
        rows.extend(coverage_rows(day));
        let totals = self.feed(day, &rows).await?;
        self.count(&rows, &totals);
        self.clock.tick(now).await?;
        let mails = post::delivered(&self.catcher.take());
        self.told.mails = self.catcher.accepted();
        if let Some(address) = mails.keys().next_back()
            && let Some(customer) = self.world.customer_of(address)
        {
            self.told.last_mail = Some((customer.to_owned(), day));
        }
        self.yesterday = self.world.live(day, &mails);
        Ok(())
    }

    /// Writes the day's files and sends them, all in one request.
    async fn feed(&self, day: NaiveDate, rows: &[Row]) -> anyhow::Result<Totals> {
        let mut sender = Sender::new(&self.door);
        for file in row::files(rows) {
            let folder: PathBuf = self.options.dir.join(file.feed.code()).join(day.to_string());
            let path = folder.join(&file.name);
            std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            std::fs::write(&path, &file.content).with_context(|| format!("cannot write {}", path.display()))?;
            sender.file(&path, &Origin::of(file.feed.code()), |_| {}).await?;
        }
        let totals = sender.finish().await?;
        if !totals.is_clean() {
            let problems: Vec<String> = totals.problems.iter().take(5).map(ToString::to_string).collect();
            bail!("facts of {day} were refused:\n  {}", problems.join("\n  "));
        }
        Ok(totals)
    }

    fn count(&mut self, rows: &[Row], totals: &Totals) {
        self.told.facts += totals.lines;
        self.told.duplicates += totals.duplicate;
        for row in rows {
            match row.fact {
                "invoice.issued" => self.told.invoices += 1,
                // The bank repeats itself now and then.
                "payment.received" if self.payments.insert(row.cell("payment").to_owned()) => self.told.payments += 1,
                _ => {}
            }
        }
    }
}
