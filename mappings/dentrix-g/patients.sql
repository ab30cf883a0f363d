-- key: PATID
-- changed: CHANGED
-- family: LAST_NAME
-- birthDate: BIRTH_DATE
-- A family shares one address row, which also holds its home telephone: when that row changes, every chart on it has changed,
-- also one that bears no stamp of its own.
select p.patid as PATID, v.first_name as FIRST_NAME, v.last_name as LAST_NAME, v.mi as MI,
       v.preferred_name as PREFERRED_NAME, v.salutation as SALUTATION, v.status as STATUS, v.birth_date as BIRTH_DATE,
       v.gender as GENDER, v.email as EMAIL, a.phone as HOME_PHONE, v.work_phone as WORK_PHONE,
       v.mobile_phone as MOBILE_PHONE, p.pager as PAGER, a.street1 as STREET1, a.street2 as STREET2, a.city as CITY,
       a.state as STATE, a.zipcode as ZIPCODE, v.guar_id as GUAR_ID, v.pri_provider_id as PRI_PROVIDER_ID,
       v.first_visit_date as FIRST_VISIT_DATE, v.privacy_flags as PRIVACY_FLAGS, v.social_sec_num as SOCIAL_SEC_NUM,
       p.chartnum as CHARTNUM, p.title as TITLE, p.fampos as FAMPOS,
       case when p.automodifiedtimestamp is null or a.automodifiedtimestamp > p.automodifiedtimestamp
            then a.automodifiedtimestamp else p.automodifiedtimestamp end as CHANGED
from admin.patient p
join admin.v_patient v on v.patient_id = p.patid
left join admin.address a on a.addrid = p.addrid
