// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.checker;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Writes a history as lines of JSON; gives each its index and time. Safe for use by many threads. */
public final class HistoryWriter implements AutoCloseable {
    private final JsonGenerator json;
    private final long beganNanos = System.nanoTime();
    private long next;

    private HistoryWriter(JsonGenerator json) {
        this.json = json;
    }

    /** Begins {@code path} anew. */
    public static HistoryWriter create(Path path) throws IOException {
        BufferedWriter file = Files.newBufferedWriter(path, StandardCharsets.UTF_8);
        JsonGenerator json = new JsonFactory().createGenerator(file);
        json.setPrettyPrinter(new com.fasterxml.jackson.core.util.MinimalPrettyPrinter("\n"));
        return new HistoryWriter(json);
    }

    /** Nanoseconds since the history's begin. */
    public long nowNanos() {
        return System.nanoTime() - beganNanos;
    }

    /** Appends a line. */
    public void add(int process, Operation.Type type, Operation.Function function, List<Step> steps) {
        add(process, type, function, steps, List.of(), "");
    }

    /** Appends a line; see {@link Operation}. */
    public synchronized void add(
            int process,
            Operation.Type type,
            Operation.Function function,
            List<Step> steps,
            List<String> keys,
            String error) {
        try {
            write(new Operation(next++, nowNanos(), process, type, function, steps, keys, error));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void write(Operation operation) throws IOException {
        json.writeStartObject();
        json.writeNumberField("index", operation.index());
        json.writeNumberField("time", operation.timeNanos());
        json.writeNumberField("process", operation.process());
        json.writeStringField("type", Operation.word(operation.type()));
        json.writeStringField("f", Operation.word(operation.function()));
        json.writeArrayFieldStart("value");
        for (Step step : operation.steps()) {
            json.writeStartArray();
            json.writeString(step.isSend() ? "send" : "poll");
            json.writeString(step.key());
            json.writeNumber(step.offset());
            json.writeNumber(step.value());
            json.writeEndArray();
        }
        json.writeEndArray();
        if (!operation.keys().isEmpty()) {
            json.writeArrayFieldStart("keys");
            for (String key : operation.keys()) {
                json.writeString(key);
            }
            json.writeEndArray();
        }
        if (!operation.error().isEmpty()) {
            json.writeStringField("error", operation.error());
        }
        json.writeEndObject();
    }

    @Override
    public synchronized void close() throws IOException {
        if (!json.isClosed()) {
            json.close();
        }
    }
}
