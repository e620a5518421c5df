//! On the database's clock, where sweeps run by themselves.

use contracts::promises::AlertChanged;
use testkit::eventually;

use crate::neighbourhood::*;

#[tokio::test]
async fn a_deadline_long_past_is_judged_without_being_asked() {
    let here = Neighbourhood::in_real_time().await;
    let acme = here.bed.tenant("acme").await;
    here.bed.publish(&promise(&acme, "P-1")).await; // of a day that is over whenever this runs
    here.bed.applied().await;
    eventually("the promise is broken", || async { here.status(&acme, "P-1").await == "broken" }).await;
    assert_eq!(here.bed.published::<AlertChanged>().await.len(), 1);

    here.bed.publish(&invoice(&acme, "F-1", 1, &[(DUE, "cash", "100.00")])).await;
    eventually("late information corrects it", || async { here.status(&acme, "P-1").await == "kept" }).await;
}
