// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a server says of itself under {@code /metrics}, at one moment. */
final class ServerMetrics {
    private static final String BUCKET = "_bucket{";
    private static final String BOUND = "le=\"";

    private final List<String> lines;

    private ServerMetrics(List<String> lines) {
        this.lines = lines;
    }

    static ServerMetrics of(int httpPort) throws IOException, InterruptedException {
        URI uri = URI.create("http://localhost:" + httpPort + "/metrics");
        String text = HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
                .body();
        return new ServerMetrics(text.lines().toList());
    }

    /** Sum of all lines that begin so. */
    double sum(String beginning) {
        return lines.stream()
                .filter(line -> line.startsWith(beginning))
                .mapToDouble(ServerMetrics::value)
                .sum();
    }

    /** A quantile of what histogram {@code name} took between {@code former} and this, in ms; linear between its bounds. */
    double quantileMs(ServerMetrics former, String name, double quantile) {
        Map<Double, Double> before = former.buckets(name);
        double count = sum(name + "_count") - former.sum(name + "_count");
        double lowerBound = 0;
        double lowerCount = 0;
        for (Map.Entry<Double, Double> bucket : buckets(name).entrySet()) {
            double within = bucket.getValue() - before.getOrDefault(bucket.getKey(), 0.0);
            if (within >= quantile * count) {
                double share = (quantile * count - lowerCount) / Math.max(1, within - lowerCount);
                double upper = Double.isInfinite(bucket.getKey()) ? lowerBound : bucket.getKey();
                return (lowerBound + share * (upper - lowerBound)) * 1000;
            }
            lowerBound = bucket.getKey();
            lowerCount = within;
        }
        return Double.NaN;
    }

    private Map<Double, Double> buckets(String name) {
        Map<Double, Double> found = new TreeMap<>();
        for (String line : lines) {
            if (line.startsWith(name + BUCKET)) {
                int at = line.indexOf(BOUND) + BOUND.length();
                String bound = line.substring(at, line.indexOf('"', at));
                double seconds = bound.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(bound);
                found.merge(seconds, value(line), Double::sum);
            }
        }
        return found;
    }

    private static double value(String line) {
        return Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
    }
}
