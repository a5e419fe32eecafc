// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.control;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.opentsm.simulator.SimulatorException;

/**
 * The simulator's process. Requests come as JSON lines on standard input, {@code {"id", "method",
 * "parameters"}}; answers go to standard output, {@code {"id", "result"}} or {@code {"id", "error"}};
 * requests to one card are met in order. When the input ends the process saves its cards and ends.
 */
public final class Main {

    private final PrintStream answers;
    private final Simulator simulator;
    private final Map<String, CompletableFuture<Void>> lastOfCard = new HashMap<>();

    private Main(PrintStream answers, Simulator simulator) {
        this.answers = answers;
        this.simulator = simulator;
    }

    public static void main(String[] arguments) throws IOException {
        PrintStream answers = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        // jCardSim prints what it does to standard output, which carries the answers here.
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        Simulator simulator = new Simulator(Path.of(arguments[0]), event -> print(answers, event));
        Runtime.getRuntime().addShutdownHook(new Thread(simulator::stop));
        new Main(answers, simulator).run();
        simulator.stop();
        Runtime.getRuntime().halt(0);
    }

    private void run() throws IOException {
        ExecutorService workers = Executors.newCachedThreadPool(work -> {
            Thread thread = new Thread(work);
            thread.setDaemon(true);
            return thread;
        });
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            String request = line;
            simulator.hurry(request);
            // One card's requests run one after the other, those of different cards side by side.
            lastOfCard.compute(
                    card(request),
                    (card, last) -> last == null || card.isEmpty()
                            ? CompletableFuture.runAsync(() -> answer(request), workers)
                            : last.thenRunAsync(() -> answer(request), workers));
        }
    }

    /** What names the card in a request, or nothing. */
    private static String card(String line) {
        try {
            return JsonParser.parseString(line)
                    .getAsJsonObject()
                    .getAsJsonObject("parameters")
                    .get("card")
                    .toString();
        } catch (RuntimeException e) {
            return "";
        }
    }

    private void answer(String line) {
        JsonObject reply = new JsonObject();
        try {
            JsonObject request = JsonParser.parseString(line).getAsJsonObject();
            reply.add("id", request.get("id"));
            JsonObject parameters =
                    request.has("parameters") ? request.getAsJsonObject("parameters") : new JsonObject();
            reply.add("result", simulator.call(request.get("method").getAsString(), parameters));
        } catch (SimulatorException e) {
            reply.add("error", error(e.code(), e.getMessage(), e.field()));
        } catch (JsonParseException
                | IllegalStateException
                | IllegalArgumentException
                | ClassCastException
                | NullPointerException e) {
            reply.add("error", error("usage", "not a request: " + e, null));
        } catch (Throwable e) {
            e.printStackTrace();
            reply.add("error", error("internal", e.toString(), null));
        }
        print(answers, reply);
    }

    private static void print(PrintStream answers, JsonObject line) {
        synchronized (answers) {
            answers.print(line + "\n");
            answers.flush();
        }
    }

    private static JsonObject error(String code, String message, String field) {
        JsonObject error = new JsonObject();
        error.addProperty("code", code);
        error.addProperty("message", message);
        if (field != null) {
            error.addProperty("field", field);
        }
        return error;
    }
}
