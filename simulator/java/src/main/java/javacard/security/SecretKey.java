package javacard.security;

/** Marks a symmetric key. */
public interface SecretKey extends Key {
}
