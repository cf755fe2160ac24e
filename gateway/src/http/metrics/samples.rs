//! Values that are looked up when they are asked for.

use std::fmt;

use oxbeam_store::Times;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Labels of a sample.
type Labels = Vec<(&'static str, String)>;

#[derive(Debug)]
enum Value {
    Counter(f64),
    Gauge(f64),
    Histogram(Times),
}

/// One metric with all of its samples.
#[derive(Debug)]
struct Metric {
    name: &'static str,
    help: &'static str,
    samples: Vec<(Labels, Value)>,
}

/// What was gathered for one look.
#[derive(Debug, Default)]
pub(super) struct Gathered(Vec<Metric>);

impl Gathered {
    /// A value that may rise and fall.
    pub(super) fn gauge(&mut self, name: &'static str, help: &'static str, value: f64) {
        self.gauges(name, help, [(Vec::new(), value)]);
    }

    /// The same by labels.
    pub(super) fn gauges(
        &mut self,
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        self.all(name, help, samples, Value::Gauge);
    }

    /// A value that only rises. Its name is given without `_total`.
    pub(super) fn counter(&mut self, name: &'static str, help: &'static str, value: f64) {
        self.counters(name, help, [(Vec::new(), value)]);
    }

    /// The same by labels.
    pub(super) fn counters(
        &mut self,
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        self.all(name, help, samples, Value::Counter);
    }

    /// Times by labels.
    pub(super) fn histograms(
        &mut self,
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels, Times)>,
    ) {
        self.all(name, help, samples, Value::Histogram);
    }

    fn all<T>(
        &mut self,
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels, T)>,
        value: fn(T) -> Value,
    ) {
        let samples = samples.into_iter().map(|(labels, sample)| (labels, value(sample)));
        self.0.push(Metric { name, help, samples: samples.collect() });
    }
}

impl Value {
    fn metric_type(&self) -> MetricType {
        match self {
            Self::Counter(_) => MetricType::Counter,
            Self::Gauge(_) => MetricType::Gauge,
            Self::Histogram(_) => MetricType::Histogram,
        }
    }

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Counter(value) => ConstCounter::new(*value).encode(encoder),
            Self::Gauge(value) => ConstGauge::new(*value).encode(encoder),
            Self::Histogram(times) => {
                let count = times.buckets.iter().map(|(_, count)| count).sum();
                let sum = times.sum.as_secs_f64();
                encoder.encode_histogram::<NoLabelSet>(sum, count, &times.buckets, None)
            }
        }
    }
}

impl Collector for Gathered {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Metric { name, help, samples } in &self.0 {
            let Some((_, first)) = samples.first() else { continue };
            let mut metric = encoder.encode_descriptor(name, help, None, first.metric_type())?;
            if let [(labels, value)] = samples.as_slice()
                && labels.is_empty()
            {
                value.encode(metric)?;
                continue;
            }
            for (labels, value) in samples {
                value.encode(metric.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}
