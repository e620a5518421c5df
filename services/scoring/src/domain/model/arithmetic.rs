//! Logarithms, exponentials and probabilities made of + − × ÷ alone.
//!
//! IEEE 754 defines those four (and the square root) to the last bit; `exp` and `ln` of a system's library differ between
//! systems in the last one, and a score rebuilt on another machine would too.

/// ln 2, in a part that times any exponent of a double is exact, and the rest.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Above it e^x is not finite any more.
const LARGEST_EXPONENT: f64 = 700.0;
/// Odds beyond one in ten thousand are not learned from counts.
const LEAST_PROBABILITY: f64 = 1e-4;

/// e^x, within 2 units in the last place; x is held within ±700.
pub(super) fn exp(x: f64) -> f64 {
    let x = x.clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT);
    let halvings = (x / (LN_2_HIGH + LN_2_LOW)).round();
    let rest = (x - halvings * LN_2_HIGH) - halvings * LN_2_LOW;
    // |rest| ≤ ln 2 / 2: thirteen terms of the series of e^rest are below half a unit.
    let series = (1_u32..=14).rev().fold(1.0, |sum, term| 1.0 + rest * sum / f64::from(term));
    series * power_of_two(halvings)
}

/// ln x for x > 0, within 2 units in the last place near 1 and better than 1e-15 relative elsewhere.
pub(super) fn ln(x: f64) -> f64 {
    let (mantissa, exponent) = split(x);
    // ln m = 2 artanh((m − 1)/(m + 1)), |m − 1|/(m + 1) ≤ 0.172
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = (0_u32..=11).rev().fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    2.0 * ratio * series + exponent * LN_2_LOW + exponent * LN_2_HIGH
}

/// ln(1 + x) for x ≥ 0 as sizes are compared: small differences near 0 do not matter.
pub(super) fn ln_1p(x: f64) -> f64 {
    ln(1.0 + x.max(0.0))
}

/// 1 / (1 + e^−x)
pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// ln(p / (1 − p)), p held within one in ten thousand of 0 and 1.
pub(super) fn logit(p: f64) -> f64 {
    let p = p.clamp(LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY);
    ln(p / (1.0 - p))
}

/// Σ aᵢ·bᵢ in the order of the slices.
pub(super) fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).fold(0.0, |sum, (left, right)| sum + left * right)
}

/// 2^n for a whole n within ±1022.
fn power_of_two(n: f64) -> f64 {
    let (base, mut left) = if n < 0.0 { (0.5, -n) } else { (2.0, n) };
    let (mut result, mut square): (f64, f64) = (1.0, base);
    while left >= 1.0 {
        let half = (left / 2.0).floor();
        if left - 2.0 * half > 0.0 {
            result *= square;
        }
        square *= square;
        left = half;
    }
    result
}

/// x = m · 2^e with m in [1/√2, √2]; for x that is no positive number, of the least positive one.
fn split(x: f64) -> (f64, f64) {
    let mut mantissa = if x.is_finite() { x.max(f64::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
    let mut exponent = 0.0;
    while mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1.0;
    }
    while mantissa < std::f64::consts::FRAC_1_SQRT_2 {
        mantissa *= 2.0;
        exponent -= 1.0;
    }
    (mantissa, exponent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_what_the_system_says(x in -50.0..50.0_f64) {
            prop_assert!((exp(x) / x.exp() - 1.0).abs() < 4e-16 * 8.0, "e^{} = {}", x, exp(x));
            let size = x.exp();
            prop_assert!((ln(size) - size.ln()).abs() <= 1e-14, "ln {} = {}", size, ln(size));
            prop_assert!((logit(sigmoid(x.clamp(-9.0, 9.0))) - x.clamp(-9.0, 9.0)).abs() < 1e-9);
        }

        #[test]
        fn a_larger_number_has_a_larger_image(x in -30.0..30.0_f64, more in 1e-6..1.0_f64) {
            prop_assert!(sigmoid(x) <= sigmoid(x + more));
        }
    }

    #[test]
    fn ends_stay_finite() {
        for x in [f64::MAX, f64::MIN, 0.0] {
            assert!(exp(x).is_finite() && ln(exp(x)).is_finite() && (0.0..=1.0).contains(&sigmoid(x)), "{x}");
        }
        assert_eq!(exp(0.0).to_bits(), 1.0_f64.to_bits());
        assert_eq!(ln(1.0).to_bits(), 0.0_f64.to_bits());
        assert!(ln(0.0).is_finite() && logit(0.0) < -9.0 && logit(1.0) > 9.0);
    }
}
