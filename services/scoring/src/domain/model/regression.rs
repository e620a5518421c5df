//! Online Bayesian logistic regression (scoring.md §3, 5): several heads that believe with different strength,
//! and the hierarchical rate by itself, pooled by how well each has foretold of late.
//!
//! The pool is made of log-odds and not of probabilities: a weighted mean of linear forms is a linear form, so that every
//! input has a contribution and the contributions sum to the log-odds. Means of probabilities have neither.

use serde::{Deserialize, Serialize};

use super::arithmetic::{dot, exp, ln, sigmoid};

/// Standard deviation of a weight before anything is learned, and what one label later is left of older ones: half after
/// seven thousand. Their differences are in what they believe.
const HEADS: [(f64, f64); 3] = [(0.2, 0.9999), (0.4, 0.9999), (0.8, 0.9999)];
/// The record of a head fades by this with every label.
const FADING: f64 = 0.999;
/// The heads learn from the same labels and err together, so a difference of their records is a tenth of the evidence that
/// it would be of strangers.
const EVIDENCE: f64 = 0.1;
/// No single label costs a head more: ln of one in a million.
const LEAST_PROBABILITY: f64 = 1e-6;

/// What the inputs mean to the learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Role {
    /// The log-odds that are believed before anything is learned: its weight starts at 1, all others at 0. Never negative.
    Base,
    Free,
    /// More of it never makes an invoice less risky: its weight is never negative.
    NeverNegative,
}

impl Role {
    fn may_be_negative(self) -> bool {
        self == Self::Free
    }
}

/// The learned weights of one tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Regression {
    roles: Vec<Role>,
    heads: Vec<Head>,
    /// Σ 0.999^age · log loss of the base by itself.
    loss_of_base: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Head {
    prior_variance: f64,
    forgetting: f64,
    weights: Vec<f64>,
    /// Row by row; symmetric.
    covariance: Vec<f64>,
    loss: f64,
}

impl Regression {
    pub(super) fn new(roles: Vec<Role>) -> Self {
        let heads = HEADS.iter().map(|(deviation, forgetting)| Head::new(&roles, *deviation, *forgetting)).collect();
        Self { roles, heads, loss_of_base: 0.0 }
    }

    /// The weights in force for these inputs, one each: those that are believed most, all of them held back by as much as
    /// the odds that they make are uncertain (the moderated output of `MacKay` 1992: κ = 1/√(1 + π·`xᵀPx`/8)). Weights that
    /// few labels speak for would otherwise promise more than is known.
    pub(super) fn weights(&self, inputs: &[f64]) -> Vec<f64> {
        let best = self.heads.iter().fold(self.loss_of_base, |best, head| best.min(head.loss));
        let base = exp(EVIDENCE * (best - self.loss_of_base));
        let shares: Vec<f64> = self.heads.iter().map(|head| exp(EVIDENCE * (best - head.loss))).collect();
        let whole = shares.iter().fold(base, |sum, share| sum + share);
        let mut pooled: Vec<f64> = self.roles.iter().map(|role| prior_weight(*role) * base / whole).collect();
        let mut variance = 0.0;
        // All else equal: being overdue must not make less of what else is known.
        let certain: Vec<f64> = inputs
            .iter()
            .zip(&self.roles)
            .map(|(input, role)| if *role == Role::NeverNegative { 0.0 } else { *input })
            .collect();
        for (head, share) in self.heads.iter().zip(shares) {
            for (pooled, weight) in pooled.iter_mut().zip(&head.weights) {
                *pooled += weight * share / whole;
            }
            variance += head.variance(&certain) * share / whole;
        }
        let moderation = 1.0 / (1.0 + std::f64::consts::PI * variance / 8.0).sqrt();
        for weight in &mut pooled {
            *weight *= moderation;
        }
        pooled
    }

    /// Takes in one settled label of an invoice with these inputs at its issue.
    pub(super) fn learn(&mut self, inputs: &[f64], late: bool) {
        let base: Vec<f64> = self.roles.iter().map(|role| prior_weight(*role)).collect();
        self.loss_of_base = self.loss_of_base * FADING + loss(sigmoid(dot(&base, inputs)), late);
        for head in &mut self.heads {
            head.learn(inputs, late, &self.roles);
        }
    }
}

fn prior_weight(role: Role) -> f64 {
    if role == Role::Base { 1.0 } else { 0.0 }
}

fn loss(p: f64, late: bool) -> f64 {
    let p = p.clamp(LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY);
    -ln(if late { p } else { 1.0 - p })
}

impl Head {
    fn new(roles: &[Role], deviation: f64, forgetting: f64) -> Self {
        let prior_variance = deviation * deviation;
        let covariance = (0..roles.len())
            .flat_map(|row| (0..roles.len()).map(move |column| if row == column { prior_variance } else { 0.0 }))
            .collect();
        let weights = roles.iter().map(|role| prior_weight(*role)).collect();
        Self { prior_variance, forgetting, weights, covariance, loss: 0.0 }
    }

    /// p = σ(w·x); v = p(1−p); g = P x; D = 1 + v x·g; w ← w + g (y−p)/D; P ← (P − v g gᵀ/D)/λ.
    fn learn(&mut self, inputs: &[f64], late: bool, roles: &[Role]) {
        let p = sigmoid(dot(&self.weights, inputs));
        self.loss = self.loss * FADING + loss(p, late);
        let v = p * (1.0 - p);
        let gain: Vec<f64> = self.covariance.chunks_exact(roles.len()).map(|row| dot(row, inputs)).collect();
        let damping = 1.0 + v * dot(inputs, &gain);
        let step = (if late { 1.0 - p } else { -p }) / damping;
        for (weight, gain) in self.weights.iter_mut().zip(&gain) {
            *weight += gain * step;
        }
        for (row, own) in self.covariance.chunks_exact_mut(roles.len()).zip(&gain) {
            for (cell, other) in row.iter_mut().zip(&gain) {
                // The product first, so that the matrix stays symmetric to the last bit.
                *cell = (*cell - v * (own * other) / damping) / self.forgetting;
            }
        }
        self.cap(roles.len());
        self.hold_above_zero(roles);
    }

    /// `xᵀPx`: how uncertain the log-odds of these inputs are.
    fn variance(&self, inputs: &[f64]) -> f64 {
        let rows = self.covariance.chunks_exact(inputs.len()).zip(inputs);
        rows.fold(0.0, |sum, (row, input)| sum + input * dot(row, inputs)).max(0.0)
    }

    /// What is forgotten of an input that stays silent is at most what was believed at first: rows and columns are scaled
    /// back together, which keeps the matrix positive.
    fn cap(&mut self, inputs: usize) {
        let scale: Vec<f64> = self
            .diagonal(inputs)
            .map(|variance| if variance > self.prior_variance { (self.prior_variance / variance).sqrt() } else { 1.0 })
            .collect();
        for (row, own) in self.covariance.chunks_exact_mut(inputs).zip(&scale) {
            for (cell, other) in row.iter_mut().zip(&scale) {
                *cell *= own * other;
            }
        }
    }

    /// A weight that must not be negative is set to zero, and the others to what is most probable given that.
    fn hold_above_zero(&mut self, roles: &[Role]) {
        for (index, _) in roles.iter().enumerate().filter(|(_, role)| !role.may_be_negative()) {
            let Some(row) = self.covariance.chunks_exact(roles.len()).nth(index) else { continue };
            let (Some(weight), Some(variance)) = (self.weights.get(index).copied(), row.get(index).copied()) else {
                continue;
            };
            if weight < 0.0 {
                if variance > 0.0 {
                    for (other, covariance) in self.weights.iter_mut().zip(row) {
                        *other -= covariance * (weight / variance);
                    }
                }
                if let Some(weight) = self.weights.get_mut(index) {
                    *weight = 0.0;
                }
            }
        }
        // One that was set right may have pushed an earlier one below zero again.
        for (weight, _) in self.weights.iter_mut().zip(roles).filter(|(_, role)| !role.may_be_negative()) {
            *weight = weight.max(0.0);
        }
    }

    fn diagonal(&self, inputs: usize) -> impl Iterator<Item = f64> + '_ {
        self.covariance.chunks_exact(inputs).enumerate().filter_map(|(index, row)| row.get(index).copied())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn roles() -> Vec<Role> {
        vec![Role::Free, Role::Base, Role::Free, Role::NeverNegative]
    }

    prop_compose! {
        fn labels()(rows in prop::collection::vec((-3.0..3.0_f64, -2.0..2.0_f64, 0.0..3.0_f64, any::<bool>()), 1..80))
            -> Vec<(Vec<f64>, bool)>
        {
            rows.into_iter().map(|(base, free, overdue, late)| (vec![1.0, base, free, overdue], late)).collect()
        }
    }

    proptest! {
        #[test]
        fn what_must_not_be_negative_is_not(labels in labels()) {
            let mut regression = Regression::new(roles());
            for (inputs, late) in &labels {
                regression.learn(inputs, *late);
            }
            let weights = regression.weights(&[0.0; 4]);
            prop_assert!(weights[3] >= 0.0 && weights[1] >= 0.0);
            prop_assert!(weights.iter().all(|weight| weight.is_finite()));
        }

        #[test]
        fn uncertainty_is_symmetric_positive_and_never_above_what_it_was(labels in labels()) {
            let mut regression = Regression::new(roles());
            for (inputs, late) in labels.iter().cycle().take(400) {
                regression.learn(inputs, *late);
            }
            for head in &regression.heads {
                for (index, variance) in head.diagonal(4).enumerate() {
                    prop_assert!(variance > 0.0 && variance <= head.prior_variance * (1.0 + 1e-12), "{} {}", index, variance);
                }
                for row in 0..4 {
                    for column in 0..row {
                        let (one, other) = (head.covariance[row * 4 + column], head.covariance[column * 4 + row]);
                        prop_assert_eq!(one.to_bits(), other.to_bits());
                    }
                }
            }
        }
    }

    #[test]
    fn before_anything_is_learned_the_base_is_believed() {
        assert_eq!(Regression::new(roles()).weights(&[0.0; 4]), [0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_signal_is_found() {
        let mut regression = Regression::new(roles());
        for number in 0..2_000_u32 {
            // Late exactly when the third input is positive; the base is noise.
            let third = f64::from(number % 7) - 3.0;
            let inputs = [1.0, f64::from(number % 5) - 2.0, third, 0.0];
            regression.learn(&inputs, third > 0.0);
        }
        let weights = regression.weights(&[0.0; 4]);
        assert!(weights[2] > 1.0 && weights[1].abs() < 0.3, "{weights:?}");
    }
}
