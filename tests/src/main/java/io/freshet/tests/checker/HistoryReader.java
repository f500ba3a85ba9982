// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.checker;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/** Reads a history back. Unknown fields are left out. */
public final class HistoryReader {
    private final Map<String, String> names = new HashMap<>();

    private HistoryReader() {}

    /** Checks a whole file. */
    public static Checker.Verdict check(Path path) throws IOException {
        Checker checker = new Checker();
        read(path, checker::add);
        return checker.finish();
    }

    /** Gives each line to {@code sink}, in order. */
    public static void read(Path path, Consumer<Operation> sink) throws IOException {
        HistoryReader reader = new HistoryReader();
        try (Reader file = Files.newBufferedReader(path, StandardCharsets.UTF_8);
                JsonParser json = new JsonFactory().createParser(file)) {
            while (json.nextToken() != null) {
                sink.accept(reader.operation(json));
            }
        }
    }

    private Operation operation(JsonParser json) throws IOException {
        long index = -1;
        long time = 0;
        int process = 0;
        String type = "";
        String function = "";
        String error = "";
        List<Step> steps = List.of();
        List<String> keys = List.of();
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String field = json.currentName();
            json.nextToken();
            switch (field) {
                case "index" -> index = json.getLongValue();
                case "time" -> time = json.getLongValue();
                case "process" -> process = json.getIntValue();
                case "type" -> type = json.getText();
                case "f" -> function = json.getText();
                case "error" -> error = json.getText();
                case "value" -> steps = steps(json);
                case "keys" -> keys = keys(json);
                default -> json.skipChildren();
            }
        }
        return new Operation(
                index,
                time,
                process,
                Operation.Type.valueOf(type.toUpperCase(Locale.ROOT)),
                Operation.Function.valueOf(function.toUpperCase(Locale.ROOT)),
                steps,
                keys,
                error);
    }

    private List<Step> steps(JsonParser json) throws IOException {
        List<Step> steps = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
            boolean isSend = json.nextTextValue().equals("send");
            String key = name(json.nextTextValue());
            long offset = json.nextLongValue(Step.UNKNOWN);
            long value = json.nextLongValue(0);
            json.nextToken();
            steps.add(new Step(isSend, key, offset, value));
        }
        return steps;
    }

    private List<String> keys(JsonParser json) throws IOException {
        List<String> keys = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
            keys.add(name(json.getText()));
        }
        return keys;
    }

    /** One object for each name, however often it comes. */
    private String name(String read) {
        return names.computeIfAbsent(read, same -> same);
    }
}
