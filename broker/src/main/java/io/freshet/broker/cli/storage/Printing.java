// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Where and how a command prints. */
final class Printing {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /** Forms of output. */
    enum Form {
        /** For people. */
        text,
        /** One JSON document. */
        json
    }

    @Spec(Spec.Target.MIXEE)
    CommandSpec spec;

    @Option(
            names = "--output",
            paramLabel = "FORM",
            defaultValue = "text",
            description = "text or json (default: text).")
    Form form;

    @SuppressWarnings("NullAway.Init")
    Printing() {}

    boolean isJson() {
        return form == Form.json;
    }

    /** A line of text; nothing when the output is JSON. */
    void text(String format, Object... values) {
        if (!isJson()) {
            out().println(values.length == 0 ? format : String.format(format, values));
        }
    }

    /** The whole document; nothing when the output is text. */
    void json(Object document) {
        if (isJson()) {
            try {
                out().println(JSON.writeValueAsString(document));
            } catch (JsonProcessingException e) {
                throw new FreshetException(ErrorKind.INTERNAL, "Cannot write the result as JSON: " + e.getMessage(), e);
            }
        }
        out().flush();
    }

    /** A line on standard error. */
    void progress(String line) {
        spec.commandLine().getErr().println(line);
        spec.commandLine().getErr().flush();
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
