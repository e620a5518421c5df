//! The inputs of the regression: what is known before the issue date of an invoice about its customer, its due date and
//! its amount. Each is of about unit size, so that one prior fits all, and belongs to a family that a collector
//! understands.

use chrono::{Datelike, NaiveDate};

use super::super::rates::Levels;
use super::super::state::Slot;
use super::arithmetic::{ln_1p, logit, sigmoid};
use super::pace::{Pace, PoolPace, weekday};
use super::regression::Role;
use super::statistics::{Cell, HalfLife, Prior, mean, shrunk};

/// What an input tells about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    /// Where everybody starts.
    Intercept,
    /// How often the customer was late.
    Rate,
    /// The same on this weekday and week of the month.
    Weekday,
    /// By how much.
    Delay,
    /// What it owes now.
    OpenBook,
    Amount,
    Calendar,
    /// That it is still unpaid, so shortly before its due date; no input but Bayes.
    Waiting,
    /// That it is disputed; the same.
    Dispute,
}

impl Family {
    pub(crate) const ALL: [Self; 9] = [
        Self::Intercept,
        Self::Rate,
        Self::Weekday,
        Self::Delay,
        Self::OpenBook,
        Self::Amount,
        Self::Calendar,
        Self::Waiting,
        Self::Dispute,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Intercept => "intercept",
            Self::Rate => "rate",
            Self::Weekday => "weekday",
            Self::Delay => "delay",
            Self::OpenBook => "open_book",
            Self::Amount => "amount",
            Self::Calendar => "calendar",
            Self::Waiting => "waiting",
            Self::Dispute => "dispute",
        }
    }
}

/// What a customer owes at the end of a day.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct OpenBook {
    pub not_due: f64,
    pub not_due_amount: f64,
    pub overdue: f64,
    pub overdue_amount: f64,
    pub oldest_overdue_days: f64,
}

/// Everything the inputs of one invoice are made of; states hold what was known before `day`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub levels: Levels<'a>,
    pub pace: &'a Pace,
    pub group: &'a PoolPace,
    pub tenant: &'a PoolPace,
    pub book: OpenBook,
    /// The day of the score.
    pub day: NaiveDate,
    /// Not later than `day`.
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub log_amount: f64,
    pub on_paper: bool,
}

/// One input: (name, family, role, value).
pub(super) type Input = (&'static str, Family, Role, f64);

const STRENGTH_OF_TENANT: f64 = 20.0;
const STRENGTH_OF_GROUP: f64 = 4.0;
const STRENGTH_OF_CUSTOMER: f64 = 5.0;
/// A customer's own variance counts from so many delays on.
const STRENGTH_OF_VARIANCE: f64 = 6.0;
/// Days around the due date within which "just in time" and "just late" are much the same.
const BLUR_DAYS: f64 = 3.0;
/// Labels after which a customer's own history is trusted as much as not.
const HALF_TRUSTED: f64 = 5.0;
/// A size below one is a weaker prior: counts tell little by themselves, and that all customers of a tenant should pay
/// differently on a weekday is less likely than that some do.
const SIZE_OF_WEEKDAY: f64 = 0.3;

impl Known<'_> {
    /// The inputs in their fixed order.
    pub(super) fn inputs(&self) -> Vec<Input> {
        let mut inputs = vec![("intercept", Family::Intercept, Role::Free, 1.0)];
        inputs.extend(self.rates());
        inputs.extend(self.delays());
        inputs.extend(self.open_book());
        inputs.extend(self.amount_and_calendar());
        inputs.extend(self.trusted(&inputs));
        inputs
    }

    fn rates(&self) -> [Input; 15] {
        use Family::{Rate, Weekday};
        use Role::{Base, Free};
        let Self { pace, levels, day, .. } = *self;
        let rates = levels.late_rates(day);
        let on = weekday(self.due_on);
        let on_weekday = rates.weekday.get(on).copied().unwrap_or(rates.customer);
        let week = usize::try_from(self.due_on.day0() / 8).unwrap_or(0).min(3);
        let in_week = rates.week_of_month.get(week).copied().unwrap_or(rates.customer);
        let all = shrunk(pace.labels, Prior { mean: rates.group, strength: STRENGTH_OF_GROUP });
        let moving = 0.9 * pace.late.or(rates.group) + 0.1 * rates.group;
        let moving_on = pace.late_by_weekday.get(on).map_or(on_weekday, |moving| moving.or(on_weekday));
        let moving_on = 0.9 * moving_on + 0.1 * rates.customer;
        let seen = levels.customer.cell(Slot::weekday_of(self.due_on), day).n;
        [
            ("late_rate_on_weekday", Weekday, Base, logit(on_weekday)),
            ("late_rate", Rate, Free, logit(rates.customer)),
            ("late_rate_ever", Rate, Free, logit(all)),
            ("late_rate_lately", Rate, Free, logit(rates.fast)),
            ("late_moving", Rate, Free, logit(moving)),
            ("late_rate_of_group", Rate, Free, logit(rates.group)),
            ("late_rate_of_tenant", Rate, Free, logit(rates.tenant)),
            ("labels", Rate, Free, ln_1p(pace.labels.n) / 6.0),
            (
                "labels_decayed",
                Rate,
                Free,
                ln_1p(levels.customer.cell(Slot::Over(super::super::evidence::Threshold::LATE), day).n) / 6.0,
            ),
            ("no_labels", Rate, Free, flag(pace.labels.n <= 0.0) / 2.0),
            ("disputed_rate", Rate, Free, (pace.disputes.s + 0.5) / (pace.disputes.n + 3.0)),
            ("late_rate_in_week_of_month", Weekday, Free, logit(in_week)),
            ("late_moving_on_weekday", Weekday, Free, logit(moving_on)),
            ("weekday_against_usual", Weekday, Free, logit(on_weekday) - logit(rates.customer)),
            ("labels_on_weekday", Weekday, Free, ln_1p(seen) / 4.0),
        ]
    }

    fn delays(&self) -> [Input; 15] {
        use Family::{Delay, Weekday};
        use Role::Free;
        let Self { pace, day, .. } = *self;
        let group = self.group_delay();
        let within = self.variance_within();
        let year = pace.delays.at(day, HalfLife::Days365);
        let usual = shrunk(year, Prior { mean: group, strength: STRENGTH_OF_GROUP });
        let deviation = variance(year, within).sqrt();
        // How much the customers differ among each other against how much each differs from itself says how fast a
        // customer's own mean is believed (empirical Bayes).
        let among = (self.total_variance() - within).max(0.1);
        let prior = Prior { mean: group, strength: (within / among).clamp(0.3, 20.0) };
        let ever = shrunk(pace.all_delays, prior);
        let error = variance(pace.all_delays, within) * (1.0 + 1.0 / (pace.all_delays.n + prior.strength));
        let on = weekday(self.due_on);
        let on_weekday = pace.delays_by_weekday.get(on).copied().unwrap_or_default().at(day, HalfLife::Days365);
        let on_weekday = shrunk(on_weekday, Prior { mean: usual, strength: STRENGTH_OF_CUSTOMER });
        let last_on = pace.last_by_weekday.get(on).copied().flatten().unwrap_or(on_weekday);
        let late_days = self.levels.mean_days_late(day).unwrap_or(5.0);
        let late = self.levels.late_rates(day).group;
        let blurred = |half_life, factor| self.blurred_rate(half_life, factor, late);
        [
            ("delay_against_due", Delay, Free, z(usual, deviation)),
            ("delay_ever_against_due", Delay, Free, z(ever, error.sqrt())),
            ("delay", Delay, Free, usual / 10.0),
            ("delay_ever", Delay, Free, ever / 10.0),
            ("delay_moving", Delay, Free, pace.moving_delay.or(group) / 10.0),
            ("delay_deviation", Delay, Free, deviation / 10.0),
            ("days_late", Delay, Free, late_days / 10.0),
            ("delay_median", Delay, Free, pace.median_of_recent().unwrap_or(group) / 10.0),
            ("delay_last", Delay, Free, pace.recent.back().map_or(group, |last| f64::from(last.delay)) / 10.0),
            ("delay_of_group", Delay, Free, group / 10.0),
            ("late_rate_blurred", Delay, Free, logit(blurred(HalfLife::Days365, 1.0))),
            ("late_rate_blurred_lately", Delay, Free, logit(blurred(HalfLife::Days90, 1.0))),
            ("late_rate_blurred_on_weekday", Weekday, Free, logit(blurred(HalfLife::Days365, 8.0))),
            ("delay_on_weekday", Weekday, Free, on_weekday / 10.0),
            ("delay_last_on_weekday", Weekday, Free, last_on / 10.0),
        ]
    }

    fn open_book(&self) -> [Input; 6] {
        use Family::OpenBook;
        use Role::{Free, NeverNegative};
        let book = self.book;
        let since = |then: Option<NaiveDate>| then.map(|then| days_between(then, self.day));
        let owed = book.overdue_amount + book.not_due_amount;
        let share = if owed > 0.0 { book.overdue_amount / owed } else { 0.0 };
        [
            ("not_due", OpenBook, Free, ln_1p(book.not_due)),
            ("overdue", OpenBook, NeverNegative, ln_1p(book.overdue)),
            ("overdue_share", OpenBook, NeverNegative, share),
            ("oldest_overdue", OpenBook, NeverNegative, book.oldest_overdue_days.min(90.0) / 30.0),
            ("since_payment", OpenBook, Free, since(self.pace.last_paid_on).map_or(90.0, |days| days.min(90.0)) / 30.0),
            ("tenure", OpenBook, Free, since(self.pace.first_issued_on).map_or(0.0, |days| days.min(365.0)) / 180.0),
        ]
    }

    fn amount_and_calendar(&self) -> [Input; 12] {
        use Family::{Amount, Calendar};
        use Role::Free;
        let pool = self.tenant.amounts.at(self.day, HalfLife::Days365);
        let centre = mean(pool).unwrap_or(self.log_amount);
        let width = variance(pool, 1.0).sqrt().max(0.1);
        let own = mean(self.pace.amounts).unwrap_or(self.log_amount);
        let on = weekday(self.due_on);
        let weekdays =
            ["due_monday", "due_tuesday", "due_wednesday", "due_thursday", "due_friday", "due_saturday", "due_sunday"];
        let mut index = 0;
        let [mon, tue, wed, thu, fri, sat, sun] = weekdays.map(|name| {
            let input = (name, Calendar, Free, SIZE_OF_WEEKDAY * flag(index == on));
            index += 1;
            input
        });
        let day = self.due_on.day();
        [
            ("amount", Amount, Free, ((self.log_amount - centre) / width).clamp(-4.0, 4.0)),
            ("amount_against_usual", Amount, Free, (self.log_amount - own).clamp(-4.0, 4.0)),
            ("on_paper", Amount, Free, flag(self.on_paper)),
            ("term", Calendar, Free, days_between(self.issued_on, self.due_on).clamp(-30.0, 180.0) / 30.0),
            ("end_of_month", Calendar, Free, flag(day >= 26 || day <= 2)),
            mon,
            tue,
            wed,
            thu,
            fri,
            sat,
            sun,
        ]
    }

    /// What weighs more the longer the customer is known, and how much further than straight the distance to the due date
    /// counts: the log-odds of a normal delay grow with its square.
    fn trusted(&self, inputs: &[Input]) -> [Input; 4] {
        use Family::{Delay, Rate};
        let of = |name| inputs.iter().find(|(of, ..)| *of == name).map_or(0.0, |(.., value)| *value);
        let trust = self.pace.labels.n / (self.pace.labels.n + HALF_TRUSTED) - 0.5;
        let distance = of("delay_ever_against_due");
        [
            ("late_rate_trusted", Rate, Role::Free, of("late_rate") * trust),
            ("delay_trusted", Delay, Role::Free, distance * trust),
            ("delay_far_from_due", Delay, Role::Free, distance * distance.abs() / 3.0),
            ("late_rate_blurred_trusted", Delay, Role::Free, of("late_rate_blurred") * trust),
        ]
    }

    /// Mean signed delay of the group, shrunk to the tenant's.
    fn group_delay(&self) -> f64 {
        let tenant = mean(self.tenant.delays.at(self.day, HalfLife::Days60)).unwrap_or(0.0);
        let prior = Prior { mean: tenant, strength: STRENGTH_OF_TENANT };
        shrunk(self.group.delays.at(self.day, HalfLife::Days90), prior)
    }

    fn total_variance(&self) -> f64 {
        variance(self.tenant.spread.at(self.day, HalfLife::Days365), 50.0).max(1.0)
    }

    fn variance_within(&self) -> f64 {
        let within = self.tenant.within.at(self.day, HalfLife::Days365);
        shrunk(within, Prior { mean: 50.0, strength: 5.0 }).max(1.0)
    }

    /// Late share of the remembered delays, each counted as late to the degree that it was; `factor` for those due on the
    /// same weekday. Shrunk to the `group`'s rate.
    fn blurred_rate(&self, half_life: HalfLife, factor: f64, group: f64) -> f64 {
        let on = weekday(self.due_on);
        let (weight, sum) = self.pace.recent.iter().fold((0.0, 0.0), |(weights, sum), settled| {
            let age = u32::try_from((self.day - settled.on).num_days()).unwrap_or(0);
            let weight = settled.weight() * half_life.decay(age) * if settled.weekday == on { factor } else { 1.0 };
            (weights + weight, sum + weight * sigmoid((f64::from(settled.delay) - 0.5) / BLUR_DAYS))
        });
        (sum + 2.0 * group) / (weight + 2.0)
    }
}

/// (q − s²/n + k·v) / (n + k): the variance around the mean, shrunk to `prior`.
fn variance(cell: Cell, prior: f64) -> f64 {
    let squares = if cell.n > 0.0 { (cell.q - cell.s * cell.s / cell.n).max(0.0) } else { 0.0 };
    (squares + STRENGTH_OF_VARIANCE * prior) / (cell.n + STRENGTH_OF_VARIANCE)
}

fn z(delay: f64, deviation: f64) -> f64 {
    ((delay - 0.5) / deviation.max(0.5)).clamp(-4.0, 4.0)
}

fn flag(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

fn days_between(from: NaiveDate, to: NaiveDate) -> f64 {
    f64::from(i32::try_from((to - from).num_days()).unwrap_or(i32::MAX))
}
