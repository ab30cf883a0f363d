package org.pmslink.membership;

import org.pmslink.patient.Person;

/** The two that something in a list is about: a chart and a member, or two of a kind. */
public record TwoPeople(Person one, Person other) {}
