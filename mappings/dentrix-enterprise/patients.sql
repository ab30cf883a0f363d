-- key: PATID, PATDB
-- changed: CHANGED
-- family: LASTNAME
-- birthDate: BIRTHDATE
-- A chart's id has two parts, the number and the database that it was made in.
select p.PATID, p.PATDB, p.LASTNAME, p.FIRSTNAME, p.MI, p.MiddleName, p.PREFNAME, p.TITLE, p.Suffix, p.CHART, p.SS, p.GENDER,
       p.STATUS, p.FAMPOS, p.BIRTHDATE, p.FIRSTVISITDATE, p.HOMEPHONE, p.WKPHONE, p.OTHERPHONE, p.PAGER, p.EMAILADDRESS,
       p.GUARID, p.GUARDB, p.PRPROVID, p.DefaultClinic, p.PatientDeathDate, p.Language, p.PrivacyFlags,
       a.STREET1, a.STREET2, a.CITY, a.STATE, a.ZIPCODE,
       case when p.DDB_LAST_MOD is null or a.DDB_LAST_MOD > p.DDB_LAST_MOD then a.DDB_LAST_MOD else p.DDB_LAST_MOD end as CHANGED
from DDB_PAT_BASE p
left join DDB_ADDRESS_BASE a on a.ADDRESSID = p.ADDRESSID and a.ADDRESSDB = p.ADDRESSDB
