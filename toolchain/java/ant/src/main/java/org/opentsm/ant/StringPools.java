// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.annotation.processing.AbstractProcessor;
import javax.annotation.processing.RoundEnvironment;
import javax.lang.model.SourceVersion;
import javax.lang.model.element.AnnotationMirror;
import javax.lang.model.element.AnnotationValue;
import javax.lang.model.element.Element;
import javax.lang.model.element.TypeElement;
import javax.lang.model.util.ElementFilter;
import javax.tools.Diagnostic;

/**
 * Makes the classes that {@code @StringPool} asks for: each {@code @StringDef} is a byte array with the UTF-8 bytes of
 * its value. A definition that refers to another pool's is a field that {@code importLibConstants()} or the first
 * {@code getInstance()} sets, because a static initializer on a card cannot read another class.
 */
final class StringPools extends AbstractProcessor {
    static final String PACKAGE = "javacardx.annotations";
    private static final String POOL = PACKAGE + ".StringPool";

    private record Definition(String name, String value, String reference) {
        String initializer() {
            byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
            return IntStream.range(0, bytes.length)
                    .mapToObj(i -> String.valueOf(bytes[i]))
                    .collect(Collectors.joining(", ", "{", "}"));
        }
    }

    @Override
    public Set<String> getSupportedAnnotationTypes() {
        return Set.of(POOL);
    }

    @Override
    public SourceVersion getSupportedSourceVersion() {
        return SourceVersion.latest();
    }

    @Override
    public boolean process(Set<? extends TypeElement> annotations, RoundEnvironment round) {
        for (TypeElement annotation : annotations) {
            for (Element element : round.getElementsAnnotatedWith(annotation)) {
                element.getAnnotationMirrors().stream()
                        .filter(one -> one.getAnnotationType().asElement().equals(annotation))
                        .forEach(one -> pool(element, one));
            }
        }
        return true;
    }

    private static Map<String, Object> values(AnnotationMirror annotation) {
        Map<String, Object> values = new LinkedHashMap<>();
        annotation
                .getElementValues()
                .forEach((method, value) -> values.put(method.getSimpleName().toString(), value.getValue()));
        return values;
    }

    private void pool(Element element, AnnotationMirror annotation) {
        Map<String, Object> values = values(annotation);
        String asked = values.getOrDefault("name", "").toString();
        String name = asked.isEmpty() ? element.getSimpleName() + "Strings" : asked;
        String packageName = processingEnv
                .getElementUtils()
                .getPackageOf(element)
                .getQualifiedName()
                .toString();
        if (name.startsWith(packageName + ".")) {
            name = name.substring(packageName.length() + 1);
        }
        List<Definition> definitions = definitions(values.get("value"), element, annotation);
        if (!isName(name, element, annotation) || definitions.isEmpty()) {
            return;
        }
        String visible = Boolean.TRUE.equals(values.get("export")) ? "public " : "";
        try (Writer out = processingEnv
                .getFiler()
                .createSourceFile(packageName + "." + name, element)
                .openWriter()) {
            out.write("package " + packageName + ";\n" + visible + "final class " + name + " {\n"
                    + body(name, visible, definitions) + "}\n");
        } catch (IOException failed) {
            error("the string pool " + name + " cannot be made: " + failed.getMessage(), element, annotation);
        }
    }

    private List<Definition> definitions(Object list, Element element, AnnotationMirror annotation) {
        List<Definition> found = new ArrayList<>();
        for (Object item : list instanceof List<?> items ? items : List.of()) {
            Map<String, Object> values = values((AnnotationMirror) ((AnnotationValue) item).getValue());
            Definition definition = new Definition(
                    values.getOrDefault("name", "").toString(),
                    values.getOrDefault("value", "").toString(),
                    values.getOrDefault("reference", "").toString());
            if (!isName(definition.name, element, annotation) || !isReference(definition, element, annotation)) {
                return List.of();
            }
            found.add(definition);
        }
        return found;
    }

    private boolean isName(String name, Element element, AnnotationMirror annotation) {
        if (!SourceVersion.isIdentifier(name) || SourceVersion.isKeyword(name)) {
            error("'" + name + "' is no name for a string constant or a pool", element, annotation);
            return false;
        }
        return true;
    }

    private boolean isReference(Definition definition, Element element, AnnotationMirror annotation) {
        String reference = definition.reference;
        if (reference.isEmpty()) {
            return true;
        }
        int dot = reference.lastIndexOf('.');
        TypeElement owner =
                dot < 0 ? null : processingEnv.getElementUtils().getTypeElement(reference.substring(0, dot));
        boolean isThere = owner != null
                && ElementFilter.fieldsIn(owner.getEnclosedElements()).stream()
                        .anyMatch(field -> field.getSimpleName().contentEquals(reference.substring(dot + 1)));
        if (!isThere) {
            error(
                    "the string " + definition.name + " refers to " + reference
                            + ", which is not a field of a class that can be imported",
                    element,
                    annotation);
        }
        return isThere;
    }

    private static String body(String name, String visible, List<Definition> definitions) {
        StringBuilder text = new StringBuilder();
        StringBuilder imports = new StringBuilder();
        for (Definition one : definitions) {
            boolean own = one.reference.isEmpty();
            text.append(visible)
                    .append("static ")
                    .append(own ? "final " : "")
                    .append("byte[] ")
                    .append(one.name)
                    .append(own ? " = " + one.initializer() : "")
                    .append(";\n");
            if (!own) {
                imports.append(one.name).append(" = ").append(one.reference).append(";\n");
            }
        }
        if (imports.length() > 0) {
            text.append("private static ")
                    .append(name)
                    .append(" instance;\n")
                    .append(visible)
                    .append("static void importLibConstants() {\n")
                    .append(imports)
                    .append("}\n")
                    .append(visible)
                    .append("static ")
                    .append(name)
                    .append(" getInstance() {\nif (instance == null) {\nimportLibConstants();\ninstance = new ")
                    .append(name)
                    .append("();\n}\nreturn instance;\n}\n");
        }
        return text.append("private ").append(name).append("() {\n}\n").toString();
    }

    private void error(String text, Element element, AnnotationMirror annotation) {
        processingEnv.getMessager().printMessage(Diagnostic.Kind.ERROR, text, element, annotation);
    }
}
